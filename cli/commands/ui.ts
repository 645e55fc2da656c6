import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
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

/** The command `ui`. */
export const ui: CommandSpec = {
  operand: { form: '[TARGET...]', text: 'services and tasks, or a link' },
  flags: [{ flags: '--color <WHEN>', text: 'auto, always or never [SWARMLOGS_COLOR, NO_COLOR]' }, ...SERVER_FLAGS],
  help: EXAMPLES,
  run,
}

async function run(targets: readonly string[], flags: Flags): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot show this without a terminal: swarmlogs tail prints lines')
  }
  const { colour, isPlainTerminal } = colourConfig(flags)
  const hasColour = colour === 'always' || (colour === 'auto' && !isPlainTerminal)
  quickReact()
  // Ink and React take longer to load than a tail takes to answer.
  const [{ readLink }, { EVERYTHING }, { runUi }] = await Promise.all([
    import('../ui/link.ts'),
    import('../ui/scope.ts'),
    import('../ui/run.ts'),
  ])
  const isLink = targets.length === 1 && /^https?:\/\//.test(targets[0] ?? '')
  const link = isLink ? readLink(targets[0] ?? '') : undefined
  const place: Place = link?.place ?? { scope: { ...EVERYTHING, targets }, at: undefined, look: {} }
  const config = clientConfig(link === undefined ? flags : { url: link.server, ...flags })
  process.exitCode = await runUi(new Client(config), place, hasColour)
}
