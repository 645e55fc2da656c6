import type { Command } from 'commander'

/** A command: its file is loaded only when it is asked for. */
interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Runs until it is told to stop, whether somebody reads its output or not. */
  readonly isService?: true
  load(): Promise<{ define(command: Command): void }>
}

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'tail',
    summary: 'show the newest lines of services and tasks, and follow them',
    load: () => import('./commands/tail.ts'),
  },
  {
    name: 'logs',
    summary: 'show the lines of a service or task as `docker service logs` prints them',
    load: () => import('./commands/logs.ts'),
  },
  {
    name: 'search',
    summary: 'find lines by their text, over all services',
    load: () => import('./commands/search.ts'),
  },
  {
    name: 'services',
    summary: 'list the services that logs are kept of',
    load: () => import('./commands/services.ts'),
  },
  { name: 'nodes', summary: 'list the nodes that logs are kept of', load: () => import('./commands/nodes.ts') },
  {
    name: 'up',
    summary: 'run server and agent in one process, for one machine',
    isService: true,
    load: () => import('./commands/up.ts'),
  },
  {
    name: 'server',
    summary: 'run the server: take lines in, store them, answer',
    isService: true,
    load: () => import('./commands/server.ts'),
  },
  {
    name: 'agent',
    summary: "run the agent: ship this node's lines to the server",
    isService: true,
    load: () => import('./commands/agent.ts'),
  },
  {
    name: 'healthcheck',
    summary: 'exit 0 when the server on this machine is alive, 1 when it is not',
    load: () => import('./commands/healthcheck.ts'),
  },
  {
    name: 'version',
    summary: 'show the versions of this program and of the server',
    load: () => import('./commands/version.ts'),
  },
]
