import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { SERVER_FLAGS } from '../flags.ts'
import { copyProgress } from '../output/copy-progress.ts'
import { serve } from '../serve.ts'
import { ARCHIVE_S3_FLAGS, ELASTICSEARCH_FLAGS } from '../service-flags.ts'
import { backup, restore, verify } from './store/backup.ts'

const ACTIONS = ['backup', 'restore', 'verify', 'copy'] as const
const MAX_SHOWN = 20

const EXAMPLES = `
\`store backup\` has the server write all of its embedded store into one file, as it
is at this moment, while lines are taken in and searched. With --data it reads
the folder of a store whose server is stopped. What is not whole has no name:
the file is there when all of it is, read again and as the server sent it. It is
a plain tar of DuckDB files, each with its sha256 in manifest.json.

\`store restore FILE --data DIR\` makes of it the folder of a store, which has to
be new or empty; start a server on it. Agents know it for an older copy, and send
again what Docker still has. \`store verify FILE\` names what is damaged; exit code
1 then.

\`store copy\` copies all lines of one store into another one: the folder of an
embedded store, or Elasticsearch (a URL, or several with commas between them).
Stop the servers of both first. What is there already is not doubled; a copy
that ended early goes on where it was when the same command is run again. It
says on stderr how far it has come, counts at its end what is there, by
container and day, and exits with 0 when nothing is missing, else with 1.
Neither store deletes anything meanwhile: the server that is started on the copy
does, as its --retention and --max-size say. The --elasticsearch flags are those
of \`server\`, and hold for both stores where both are clusters.

Examples:
  swarmlogs store backup -o friday.tar
  swarmlogs store verify friday.tar
  swarmlogs store restore friday.tar --data /mnt/new/logs
  swarmlogs store copy --from /var/lib/swarmlogs --to https://es1:9200 \\
    --elasticsearch-user swarmlogs --elasticsearch-password-file password \\
    --elasticsearch-ca ca.pem
  swarmlogs store copy --from http://es1:9200 --to ./logs       and back
  swarmlogs store copy --from ./logs --to /mnt/larger/logs      to another disk`

/** The command `store`. */
export const store: CommandSpec = {
  operand: { form: '<ACTION> [FILE]', values: ACTIONS, text: 'backup, restore FILE, verify FILE, or copy' },
  flags: [
    { flags: '--from <STORE>', text: 'copy: store to copy from: a folder, or URLs of Elasticsearch' },
    { flags: '--to <STORE>', text: 'copy: store to copy to, which is made where there is none' },
    {
      flags: '--archive-dir <DIR>',
      text: 'copy: archive of the store to copy from, where its server has that flag; as --archive-s3',
    },
    ...ARCHIVE_S3_FLAGS,
    ...ELASTICSEARCH_FLAGS,
    { flags: '-o, --output <FILE>', text: 'backup: the file to write (default swarmlogs-TIME.tar)' },
    { flags: '--data <DIR>', text: 'restore: the new folder of the store; backup: of a store that no server has open' },
    {
      flags: '--sha256 <SUM>',
      text: 'verify: that `backup` printed; a backup that somebody made anew has another one',
    },
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run([action = '', ...operands]: readonly string[], flags: Flags): Promise<void> {
  if (action === 'backup') return backup(operands, flags)
  if (action === 'restore') return restore(operands, flags)
  if (action === 'verify') return verify(operands, flags)
  if (action === 'copy') return copy(flags)
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot do '${action}' to a store: give ${ACTIONS.join(', ')}`)
}

async function copy(flags: Flags): Promise<void> {
  const [{ runCopy }, { copyConfig }] = await Promise.all([
    import('../../server/copy.ts'),
    import('../../server/config.ts'),
  ])
  const config = copyConfig(flags)
  const progress = copyProgress()
  await serve('warn', async (log, signal) => {
    const { records, missing } = await runCopy(config, { log, signal, onProgress: progress.show }).finally(progress.end)
    if (missing.length > 0) throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', complaint(missing))
    process.stdout.write(`copied ${records} lines: each container and day has all of them\n`)
  })
}

/** Containers and days that are short of lines. */
type Missing = Awaited<ReturnType<typeof import('../../server/copy.ts').runCopy>>['missing']

function complaint(missing: Missing): string {
  const shown = missing.slice(0, MAX_SHOWN).map(({ stream, day, wanted, found }) => {
    const name = stream.containerName || stream.service || stream.tag
    return `${name}${day === '' ? '' : ` on ${day}`} (${found} of ${wanted})`
  })
  const more = missing.length > MAX_SHOWN ? ` and ${missing.length - MAX_SHOWN} more` : ''
  return `cannot find all lines in the copy: ${shown.join(', ')}${more}; run the same command again, and see the refused lines of \`swarmlogs status\``
}
