import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { SERVER_FLAGS } from '../flags.ts'

const EXAMPLES = `
What is done to days that the server has archived as Parquet files. A day is
2026-11-19 (UTC), several are 2026-11-17..2026-11-19.

\`archive ls\` lists them: LINES, FIRST and LAST line, SIZE, RATIO (bytes per byte of
message), GEN (sealed so often, as late lines came), why a day is kept, and what of
it proved damaged. \`archive verify\` reads all files of the days (of all where none
is given) and names each that is damaged; exit code 1 then. Both also look into a
folder, by --dir: the archive of a server, or what \`archive fetch\` made.

\`archive fetch\` copies days into a folder, for DuckDB, pandas and others. When it
ended early, run it again: files that are there whole are not fetched again.

\`archive keep\` puts days on hold, or those that the file of an incident is about:
the server does not delete them, however old, until \`archive release\`. \`archive rm\`
deletes days; what is on hold it does not.

Examples:
  swarmlogs archive ls
  swarmlogs archive verify 2026-11-01..2026-11-19
  swarmlogs archive fetch 2026-11-19 -o days && swarmlogs archive verify --dir days
  duckdb -c "SELECT service, count(*) FROM 'days/*/lines-*.parquet' GROUP BY service"
  swarmlogs archive keep checkout-down.slog --reason 'case 4711'
  swarmlogs archive rm 2026-10-01 --yes`

/** What an action is run with. */
type Action = (args: readonly string[], flags: Flags) => Promise<void>

const ACTIONS: Readonly<Record<string, () => Promise<Action>>> = {
  ls: async () => (await import('./archive/ls.ts')).ls,
  verify: async () => (await import('./archive/verify.ts')).verify,
  fetch: async () => (await import('./archive/fetch.ts')).fetchDays,
  keep: async () => (await import('./archive/holds.ts')).keep,
  release: async () => (await import('./archive/holds.ts')).release,
  rm: async () => (await import('./archive/rm.ts')).rm,
}

/** The command `archive`. */
export const archive: CommandSpec = {
  operand: {
    form: '<ACTION> [DAY...]',
    values: Object.keys(ACTIONS),
    text: `${Object.keys(ACTIONS).join(', ')}; and the days`,
  },
  flags: [
    { flags: '-o, --output <FORM|DIR>', text: 'ls: table (default) or json; fetch: folder to copy to (default .)' },
    { flags: '--dir <FOLDER>', text: 'ls, verify: of this folder, without a server' },
    { flags: '--reason <TEXT>', text: 'keep: why' },
    { flags: '--yes', text: 'rm: delete; without it, it only says what would be deleted' },
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run([action = '', ...args]: readonly string[], flags: Flags): Promise<void> {
  const load = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
  if (load === undefined) {
    const right = Object.keys(ACTIONS).join(', ')
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot do '${action}' to the archive: give ${right}`)
  }
  await (await load())(args, flags)
}
