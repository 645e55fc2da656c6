import { randomBytes } from 'node:crypto'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { askOnly, bundleFolder, logLevel } from '../config.ts'
import { sayBundle } from '../output/bundle-note.ts'
import { serve as serveUntilStopped } from '../serve.ts'
import { LOG_LEVEL_FLAG } from '../service-flags.ts'

const EXAMPLES = `
Serves the HTTP API on an incident bundle (see \`swarmlogs incident\`), which is only
read. The clock of its answers stands still at the bundle's end: --since 10m are its
last ten minutes. Prints one line on stdout when it is ready.

Examples:
  swarmlogs serve incident.slog                     then: swarmlogs tail, swarmlogs ui
  swarmlogs serve incident.slog --listen 127.0.0.1:5000
  swarmlogs serve incident.slog --listen 0.0.0.0:4280 --token-file token   for others, too`

/** The command `serve`. */
export const serve: CommandSpec = {
  operand: { form: '<FILE>', text: 'the bundle' },
  flags: [
    { flags: '--listen <HOST:PORT>', text: 'HTTP API (default 127.0.0.1:4280)' },
    {
      flags: '--token-file <FILE>',
      text: 'tokens for the HTTP API, one a line, all valid at once [SWARMLOGS_TOKEN_FILE]',
    },
    { flags: '--insecure', text: 'listen beyond this machine without a token' },
    LOG_LEVEL_FLAG,
  ],
  help: EXAMPLES,
  run,
}

async function run([path = '']: readonly string[], flags: Flags): Promise<void> {
  const [{ serveBundle }, { serveConfig }] = await Promise.all([
    import('../../server/bundle/serve.ts'),
    import('../../server/config.ts'),
  ])
  const config = serveConfig(flags)
  await serveUntilStopped(logLevel({ logLevel: 'warn', ...flags }), async (log, signal) => {
    const bundle = await serveBundle({ path, cacheDir: bundleFolder(), ...config, log })
    try {
      sayBundle(path, bundle)
      process.stdout.write(`swarmlogs serve ready: ${bundle.url} bundle ${path}\n`)
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    } finally {
      await bundle.close()
    }
  })
}

/** What is known of a bundle that is served. */
type ServedBundle = Awaited<ReturnType<typeof import('../../server/bundle/serve.ts').serveBundle>>

/** Runs a command that asks a server on a bundle instead. */
export async function onBundle(path: string, command: (bundle: ServedBundle) => Promise<number>): Promise<number> {
  if (path === '') throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot read no bundle: give its file behind --archive')
  const [{ serveBundle }, { pino }] = await Promise.all([import('../../server/bundle/serve.ts'), import('pino')])
  const token = randomBytes(24).toString('base64url')
  const bundle = await serveBundle({
    ...{ path, cacheDir: bundleFolder(), listen: { host: '127.0.0.1', port: 0 } },
    // Others on this machine can reach the port, but not read the lines.
    tokens: { kind: 'text', text: token },
    log: pino({ level: 'silent' }),
  })
  try {
    sayBundle(path, bundle)
    askOnly(bundle.url, token)
    return await command(bundle)
  } finally {
    await bundle.close()
  }
}
