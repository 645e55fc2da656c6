import type { CommandSpec } from './command.ts'

/** A command: its file is loaded only when it is asked for. */
interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Runs until it is told to stop, whether somebody reads its output or not. */
  readonly isService?: true
  load(): Promise<CommandSpec>
}

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'tail',
    summary: 'show the newest lines of services and tasks; -f follows them',
    load: async () => (await import('./commands/tail.ts')).tail,
  },
  {
    name: 'logs',
    summary: 'show the lines of a service or task as `docker service logs` prints them',
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    name: 'search',
    summary: 'find lines by their text, over all services',
    load: async () => (await import('./commands/search.ts')).search,
  },
  {
    name: 'ui',
    summary: 'look at lines on the whole terminal: live, in the past, by any field',
    load: async () => (await import('./commands/ui.ts')).ui,
  },
  {
    name: 'context',
    summary: 'show what was printed around a line',
    load: async () => (await import('./commands/context.ts')).context,
  },
  {
    name: 'open',
    summary: 'look at a line among its neighbours on the whole terminal',
    load: async () => (await import('./commands/open.ts')).open,
  },
  {
    name: 'histogram',
    summary: 'count lines over time, as bars or sparklines',
    load: async () => (await import('./commands/histogram.ts')).histogram,
  },
  {
    name: 'count',
    summary: 'count lines',
    load: async () => (await import('./commands/count.ts')).count,
  },
  {
    name: 'top',
    summary: 'show which services print most, live',
    load: async () => (await import('./commands/top.ts')).top,
  },
  {
    name: 'fields',
    summary: 'list what lines can be asked for by',
    load: async () => (await import('./commands/fields.ts')).fields,
  },
  {
    name: 'values',
    summary: 'show which values a field has',
    load: async () => (await import('./commands/values.ts')).values,
  },
  {
    name: 'stats',
    summary: 'reckon with the numbers in a field',
    load: async () => (await import('./commands/stats.ts')).stats,
  },
  {
    name: 'patterns',
    summary: 'show what kinds of lines there are',
    load: async () => (await import('./commands/patterns.ts')).patterns,
  },
  {
    name: 'services',
    summary: 'list the services that logs are kept of',
    load: async () => (await import('./commands/services.ts')).services,
  },
  {
    name: 'nodes',
    summary: 'list the nodes that logs are kept of',
    load: async () => (await import('./commands/nodes.ts')).nodes,
  },
  {
    name: 'status',
    summary: 'show how the server, its store, the nodes and their agents are',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'note',
    summary: 'note something about a line or a moment, for all who look at it',
    load: async () => (await import('./commands/note.ts')).note,
  },
  {
    name: 'incident',
    summary: 'save lines of an incident as one portable file, verify it, compare two',
    load: async () => (await import('./commands/incident.ts')).incident,
  },
  {
    name: 'archive',
    summary: 'list archived days, verify, fetch, delete them, put them on hold',
    load: async () => (await import('./commands/archive.ts')).archive,
  },
  {
    name: 'replay',
    summary: 'show the lines of an incident with their pauses, as they came in',
    load: async () => (await import('./commands/replay.ts')).replayLines,
  },
  {
    name: 'export',
    summary: 'write lines to a file: NDJSON, CSV or Parquet',
    load: async () => (await import('./commands/export.ts')).exportLines,
  },
  {
    name: 'import',
    summary: 'send the lines of files to the server',
    load: async () => (await import('./commands/import.ts')).importLines,
  },
  {
    name: 'serve',
    summary: 'serve the HTTP API on the file of an incident',
    isService: true,
    load: async () => (await import('./commands/serve.ts')).serve,
  },
  {
    name: 'doctor',
    summary: 'look for what is wrong, and say what to do',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'up',
    summary: 'run server and agent in one process, for one machine',
    isService: true,
    load: async () => (await import('./commands/up.ts')).up,
  },
  {
    name: 'server',
    summary: 'run the server: take lines in, store them, answer',
    isService: true,
    load: async () => (await import('./commands/server.ts')).server,
  },
  {
    name: 'agent',
    summary: "run the agent: ship this node's lines to the server",
    isService: true,
    load: async () => (await import('./commands/agent.ts')).agent,
  },
  {
    name: 'store',
    summary: 'copy the lines of one store into another one',
    load: async () => (await import('./commands/store.ts')).store,
  },
  {
    name: 'observer',
    summary: 'tell the server who is in the Swarm, where no agent runs on a manager',
    isService: true,
    load: async () => (await import('./commands/observer.ts')).observer,
  },
  {
    name: 'healthcheck',
    summary: 'exit 0 when the server on this machine is alive, 1 when it is not',
    load: async () => (await import('./commands/healthcheck.ts')).healthcheck,
  },
  {
    name: 'complete',
    summary: 'print what makes a shell complete commands and names',
    load: async () => (await import('./commands/complete.ts')).complete,
  },
  {
    name: 'plugin',
    summary: 'make this program a command of docker: docker swarmlogs',
    load: async () => (await import('./commands/plugin.ts')).plugin,
  },
  {
    name: 'man',
    summary: 'print the manual page',
    load: async () => (await import('./commands/man.ts')).man,
  },
  {
    name: 'version',
    summary: 'show the versions of this program and of the server',
    load: async () => (await import('./commands/version.ts')).version,
  },
]
