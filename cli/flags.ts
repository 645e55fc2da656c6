import type { FlagSpec } from './command.ts'

/** Flags that say which server to ask. */
export const SERVER_FLAGS: readonly FlagSpec[] = [
  { flags: '--url <URL>', text: 'server to ask [SWARMLOGS_URL] (default http://127.0.0.1:4280)' },
  {
    flags: '--token-file <FILE>',
    text: 'file with the token [SWARMLOGS_TOKEN_FILE, or the token itself: SWARMLOGS_TOKEN]',
  },
  { flags: '--tls-ca <FILE>', text: 'certificate authority for https (PEM) [SWARMLOGS_TLS_CA]' },
  {
    flags: '--profile <NAME>',
    text: 'these three from ~/.config/swarmlogs/config.json: {"profiles": {"NAME": {"url": ...}}} [SWARMLOGS_PROFILE]',
  },
]

/** -f. */
export const FOLLOW_FLAG: FlagSpec = { flags: '-f, --follow', text: 'go on with new lines as they come in' }

/** --ordered. */
export const ORDERED_FLAG: FlagSpec = {
  flags: '--ordered',
  text: 'with -f: hold new lines for two seconds, to show them in the order of their times',
}

/** --events. */
export const EVENTS_FLAG: FlagSpec = {
  flags: '--events',
  text: 'events instead of lines: a stack trace, or what is indented below a line, is found and shown as one',
}

/** --no-notes. */
export const NOTES_FLAG: FlagSpec = {
  flags: '--no-notes',
  text: 'with -f: do not say (+ and - on stderr) when tasks come and go',
}

/** Flags of `docker service logs` that say how lines look. */
export const PRINT_FLAGS: readonly FlagSpec[] = [
  { flags: '-t, --timestamps', text: 'begin each line with its time' },
  { flags: '--details', text: "show the attributes that the container's log driver was given" },
  { flags: '--raw', text: 'only the lines themselves, without service, task and node' },
  { flags: '--no-resolve', text: 'ids instead of names of services and nodes' },
  { flags: '--no-task-ids', text: 'without ids of tasks' },
  { flags: '--no-trunc', text: 'ids of tasks in full length' },
  {
    flags: '--color <WHEN>',
    text: 'auto, always (also into pipes, made harmless as for a terminal) or never [SWARMLOGS_COLOR, NO_COLOR]',
  },
]

/** Flags that choose a range of time. */
export const RANGE_FLAGS: readonly FlagSpec[] = [
  {
    flags: '--since <TIME>',
    text: 'lines from this time on: 10m, 1.5h, 2d, 2026-11-21T04:00, 2026-11-21, seconds since 1970, today, yesterday',
  },
  { flags: '--until <TIME>', text: 'lines before this time; the same forms' },
]

/** --level. */
export const LEVEL_FLAG: FlagSpec = {
  flags: '--level <LEVEL>',
  text: 'only lines of at least this level: trace, debug, info, warn, error, fatal',
}

/** Flags that choose among lines by what is in them, and say what to do with those. */
export const MATCH_FLAGS: readonly FlagSpec[] = [
  { flags: '-i, --include <REGEX>', text: 'only lines that match (RE2; repeatable: any of them)', isRepeatable: true },
  { flags: '-e, --exclude <REGEX>', text: 'no lines that match (repeatable)', isRepeatable: true },
  { flags: '-H, --highlight <REGEX>', text: 'mark what matches, on a terminal (repeatable)', isRepeatable: true },
  { flags: '--context <N>', text: 'with -i, -e or a text: also N lines before and after, of the same task' },
  LEVEL_FLAG,
]

/** Flags that say how an answer is shown. */
export const SHOW_FLAGS: readonly FlagSpec[] = [
  { flags: '--timezone <ZONE>', text: 'times in this zone (Europe/Berlin, local), also those of --since and --until' },
  { flags: '--reverse', text: 'the newest line first' },
  { flags: '--pager', text: 'on a terminal: through $PAGER (less)' },
  { flags: '--fail-if-empty', text: 'exit code 4 when there is no line' },
]

/** Flags that narrow down where lines come from. */
export const FILTER_FLAGS: readonly FlagSpec[] = [
  { flags: '--node <NODE>', text: 'only of these nodes (name, id, glob; repeatable)', isRepeatable: true },
  { flags: '--stack <STACK>', text: 'only of these stacks (name, glob; repeatable)', isRepeatable: true },
  { flags: '--source <SOURCE>', text: 'only stdout or stderr' },
]

/** --grep. */
export const GREP_FLAG: FlagSpec = {
  flags: '--grep <TEXT>',
  text: 'only lines that hold this text; case does not matter',
}

/** --strict. */
export const STRICT_FLAG: FlagSpec = {
  flags: '--strict',
  text: 'exit code 3 when not all lines that were asked for are there, or when nobody knows',
}

/** -o of commands that print lines. */
export const FORM_FLAG: FlagSpec = {
  flags: '-o, --output <FORM>',
  text: "text, json (one record a line), raw (the lines themselves), logfmt, csv, or a template: '{{.Service}} {{.Message}}'",
  default: 'text',
}

/** -o of commands that list things. */
export const LIST_FLAG: FlagSpec = { flags: '-o, --output <FORM>', text: 'table or json', default: 'table' }

/** Flags that ask Docker instead of a server. */
export const DIRECT_FLAGS: readonly FlagSpec[] = [
  { flags: '--direct', text: 'ask no server: read from Docker itself, on every node that it reaches' },
  {
    flags: '--docker <HOST>',
    text: 'with --direct: engine to ask (unix://, tcp://, ssh://USER@HOST; repeatable; default as for the docker command)',
    isRepeatable: true,
  },
]
