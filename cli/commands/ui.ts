import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec, FlagSpec } from '../command.ts'
import { clientConfig, colourConfig, quickReact } from '../config.ts'
import { SERVER_FLAGS } from '../flags.ts'
import type { Place } from '../ui/link.ts'

const EXAMPLES = `
Shows the newest lines and those that come in, on the whole terminal; ? shows the
keys. TARGET is a service or task as for tail, or one link that y has copied.

Examples:
  swarmlogs ui                       all lines
  swarmlogs ui web api               of two services
  swarmlogs ui 'http://node1:4280/ui?target=web&at=2026-11-21T10:02:00Z'`

/** Flags of whatever shows the terminal UI. */
export const UI_FLAGS: readonly FlagSpec[] = [
  { flags: '--color <WHEN>', text: 'auto, always or never [SWARMLOGS_COLOR, NO_COLOR]' },
  { flags: '--mouse', text: 'the wheel scrolls, a click selects; the key m does the same' },
  ...SERVER_FLAGS,
]

/** The command `ui`. */
export const ui: CommandSpec = {
  operand: { form: '[TARGET...]', text: 'services and tasks, or a link' },
  flags: UI_FLAGS,
  help: EXAMPLES,
  run,
}

async function run(targets: readonly string[], flags: Flags): Promise<void> {
  checkTerminal()
  // Ink and React take longer to load than a tail takes to answer.
  const [{ readLink }, { EVERYTHING }] = await Promise.all([import('../ui/link.ts'), import('../ui/scope.ts')])
  const isLink = targets.length === 1 && /^https?:\/\//.test(targets[0] ?? '')
  const link = isLink ? readLink(targets[0] ?? '') : undefined
  const place: Place = link?.place ?? { scope: { ...EVERYTHING, targets }, at: undefined, look: {} }
  const client = new Client(clientConfig(link === undefined ? flags : { url: link.server, ...flags }))
  await showUi(client, place, flags)
}

/** Throws SWARMLOGS_USAGE where nobody would see a screen. */
export function checkTerminal(): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return
  throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot show this without a terminal: swarmlogs tail prints lines')
}

/** Runs the terminal UI, beginning at a place. @param now its clock, where that is not this machine's. */
export async function showUi(client: Client, place: Place, flags: Flags, now?: () => number): Promise<void> {
  const { colour, isPlainTerminal } = colourConfig(flags)
  const hasColour = colour === 'always' || (colour === 'auto' && !isPlainTerminal)
  quickReact()
  const { runUi } = await import('../ui/run.ts')
  process.exitCode = await runUi(client, place, { hasColour, hasMouse: flags.mouse === true, now })
}
