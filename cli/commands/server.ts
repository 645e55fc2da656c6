import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { logLevel, usesElasticsearch } from '../config.ts'
import { becomeLean } from '../lean.ts'
import { serve } from '../serve.ts'
import { LOG_LEVEL_FLAG, STORE_FLAGS } from '../service-flags.ts'

const EXAMPLES = `
Prints one line on stdout when it is ready. Every flag can also be given as a
variable: --max-size is SWARMLOGS_MAX_SIZE.

Examples:
  swarmlogs server                               for this machine only
  swarmlogs server --listen 0.0.0.0:4280 --forward 0.0.0.0:24224 \\
    --token-file token --shared-key-file key     for a network
  swarmlogs server --retention 7d --max-size 100GiB
  swarmlogs server --store elasticsearch --elasticsearch https://es1:9200 \\
    --elasticsearch-api-key-file key             the lines live in a cluster`

/** The command `server`. */
export const server: CommandSpec = {
  flags: [...STORE_FLAGS, LOG_LEVEL_FLAG],
  help: EXAMPLES,
  run,
}

async function run(_: readonly string[], flags: Flags): Promise<void> {
  becomeLean(usesElasticsearch(flags) ? 'elasticsearchServer' : 'server')
  const [{ runServer }, { serverConfig }] = await Promise.all([
    import('../../server/main.ts'),
    import('../../server/config.ts'),
  ])
  const config = serverConfig(flags)
  await serve(logLevel(flags), (log, signal) =>
    runServer(config, log, signal, ({ http, forward }) => {
      const place = config.elasticsearch ? `elasticsearch ${config.elasticsearch.urls}` : `data ${config.dir}`
      process.stdout.write(`swarmlogs server ready: ${http} forward ${forward} ${place}\n`)
    }),
  )
}
