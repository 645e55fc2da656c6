import type { Command } from 'commander'
import { SwarmlogsError } from '../shared/errors.ts'

/** Adds the flags that say which server to ask. */
export function serverOptions(command: Command): Command {
  return command
    .option('--url <URL>', 'server to ask [SWARMLOGS_URL] (default http://127.0.0.1:4280)')
    .option('--token-file <FILE>', 'file with the token [SWARMLOGS_TOKEN_FILE, or the token itself: SWARMLOGS_TOKEN]')
    .option('--tls-ca <FILE>', 'certificate authority for https (PEM) [SWARMLOGS_TLS_CA]')
}

/** Adds the flags of `docker service logs` that say how lines look. */
export function printOptions(command: Command): Command {
  return command
    .option('-t, --timestamps', 'begin each line with its time')
    .option('--details', "show the attributes that the container's log driver was given")
    .option('--raw', 'only the lines themselves, without service, task and node')
    .option('--no-resolve', 'ids instead of names of services and nodes')
    .option('--no-task-ids', 'without ids of tasks')
    .option('--no-trunc', 'ids of tasks in full length')
    .option(
      '--color <WHEN>',
      'auto, always (also into pipes, made harmless as for a terminal) or never [SWARMLOGS_COLOR, NO_COLOR]',
    )
}

/** Adds the flags that choose a range of time. */
export function rangeOptions(command: Command): Command {
  return command
    .option(
      '--since <TIME>',
      'lines from this time on: 10m, 1.5h, 2d, 2026-11-21T04:00, 2026-11-21, seconds since 1970, today, yesterday',
    )
    .option('--until <TIME>', 'lines before this time; the same forms')
}

/** Adds the flags that narrow down where lines come from and what they hold. */
export function filterOptions(command: Command): Command {
  repeatable(command, '--node <NODE>', 'only of these nodes (name, id, glob; repeatable)')
  repeatable(command, '--stack <STACK>', 'only of these stacks (name, glob; repeatable)')
  return command.option('--source <SOURCE>', 'only stdout or stderr')
}

/** Adds a flag that may be given several times. */
export function repeatable(command: Command, flags: string, description: string): Command {
  return command.option(flags, description, collect)
}

/** Adds the flags of a server's listeners and store. */
export function storeOptions(command: Command): Command {
  return command
    .option('--data <DIR>', 'folder of the store')
    .option('--listen <HOST:PORT>', 'HTTP API (default 127.0.0.1:4280)')
    .option('--forward <HOST:PORT>', 'Fluentd forward protocol, for agents and others (default 127.0.0.1:24224)')
    .option('--retention <DURATION>', 'how long to keep lines (default 30d)')
    .option('--max-size <SIZE>', 'how much disk to use (default 20GiB, or 80 % of what is free)')
    .option('--segment-size <SIZE>', 'when to begin a new file of the store (default 1GiB)')
    .option('--memory <SIZE>', 'how much memory the store may use for a query')
}

/** Adds the flags of how an agent reads a node. */
export function agentOptions(command: Command): Command {
  return command
    .option('--docker <HOST>', 'Docker engine, such as unix:///var/run/docker.sock (default as for the docker command)')
    .option('--node-name <NAME>', "name of this node (default: the engine's)")
    .option('--cluster <NAME>', 'name of the cluster (default: the id of the Swarm)')
    .option('--backfill <DURATION>', 'how far back to read a container at its first sight (default 24h)')
    .option('--spool-size <SIZE>', 'how much disk unacked lines may take (default 1GiB)')
    .option('--include-self', "follow swarmlogs' own containers, too")
    .option(
      '--fluentd-address <HOST:PORT>',
      "this server as containers' fluentd log drivers name it; those are not read twice",
    )
}

/** Adds --log-level. */
export function logLevelOption(command: Command): Command {
  return command.option('--log-level <LEVEL>', 'trace, debug, info, warn or error (default info)')
}

/** Adds -o; text is the default. */
export function formOption(command: Command): Command {
  return command.option('-o, --output <FORM>', 'text, json (one record a line) or raw (the lines themselves)', 'text')
}

/** Reads -n: a count, or undefined for `all`; docker takes a negative count for all, too. Throws SWARMLOGS_USAGE. */
export function parseCount(text: string): number | undefined {
  // docker's flag parser takes -n=100 as well.
  const count = text.replace(/^=/, '')
  if (count === 'all' || /^-\d+$/.test(count)) return undefined
  if (/^\d{1,9}$/.test(count)) return Number(count)
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${text}' for --tail: give a count such as 100, or all`)
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}

/** Adds -o of lists; a table is the default. */
export function listFormOption(command: Command): Command {
  return command.option('-o, --output <FORM>', 'table or json', 'table')
}
