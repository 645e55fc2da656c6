import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { SERVER_FLAGS } from '../flags.ts'
import { FORMATS, type FormatName, formatOf, type LineFormat, lineFormat } from '../import/formats.ts'
import { linesOfFile } from '../import/lines.ts'
import { Sender } from '../import/sender.ts'
import { say } from '../output/say.ts'

const LABELS = ['service', 'stack', 'node', 'container', 'image', 'tag', 'source'] as const
const MAX_TOLD = 20

const EXAMPLES = `
Sends the lines of files (- is stdin; plain, gzip or zstd) to the server. What they
are is told by their first line, or by --format:

  ndjson         one JSON object a line: what export and -o json write, or others'
  json-file      Docker's own log files, long lines put together again
  service-logs   what \`docker service logs -t\` printed
  docker-logs    what \`docker logs -t\` printed
  csv            a heading that begins with time, as export writes it

FILE.parquet is what export wrote, or a file of lines of a bundle.

The flags label lines that do not say themselves where they are from. The same file
sent again, with the same labels, is stored once; of one that has grown since, the
last 5,000 lines come twice. Lines that are older than the server's --retention are
left out by it. Lines without a time get that of their arrival: sent again on another
day they are stored again.

Examples:
  docker service logs -t web 2>&1 | swarmlogs import -
  swarmlogs import --service db --node node3 /var/lib/docker/containers/*/*-json.log
  swarmlogs import old.ndjson.zst --tag last-year
  swarmlogs import app.log.gz --format docker-logs --service app`

/** The command `import`. */
export const importLines: CommandSpec = {
  operand: { form: '<FILE...>', text: 'files with lines; - is stdin' },
  flags: [
    { flags: '--format <NAME>', text: `${FORMATS.join(', ')} (default: told by the first line)` },
    { flags: '--service <NAME>', text: 'service of lines that name none' },
    { flags: '--stack <NAME>', text: 'stack of lines that name none' },
    { flags: '--node <NAME>', text: 'node of lines that name none' },
    { flags: '--container <NAME>', text: 'container of lines that name none' },
    { flags: '--image <NAME>', text: 'image of lines that name none' },
    { flags: '--source <SOURCE>', text: 'stdout or stderr, of lines that do not say' },
    { flags: '--tag <TAG>', text: 'by which these lines are told from those of agents', default: 'import' },
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run(paths: readonly string[], flags: Flags): Promise<void> {
  const format = readFormat(flags.format)
  const params = new URLSearchParams()
  for (const name of LABELS) if (flags[name] !== undefined) params.set(name, String(flags[name]))
  let told = 0
  const sender = new Sender(new Client(clientConfig(flags)), params, (message) => {
    if (told++ < MAX_TOLD) say(message)
  })
  for (const path of paths) await send(path, format, sender)
  const { accepted, rejected, expired, why } = sender.imported
  process.stdout.write(`imported ${accepted} lines${rejected === 0 ? '' : `, ${rejected} could not be taken`}\n`)
  if (expired > 0) say(`-- ${expired} lines were left out: ${why}`)
  if (rejected > 0 || (expired > 0 && accepted === 0)) process.exitCode = 1
}

async function send(path: string, asked: FormatName | undefined, sender: Sender): Promise<void> {
  if (path.endsWith('.parquet')) return sendParquet(path, sender)
  let format: LineFormat | undefined
  let number = 0
  for await (const line of linesOfFile(path)) {
    number++
    if (format === undefined && line.trim() === '') continue
    format ??= lineFormat(asked ?? formatOf(line), path)
    const found = ofLine(format, line, `${path}:${number}`)
    if (found !== undefined) await sender.add(found)
  }
  for (let left = format?.end(); left !== undefined; left = format?.end()) await sender.add(left)
  await sender.flush()
}

async function sendParquet(path: string, sender: Sender): Promise<void> {
  const { readParquet } = await import('../../server/bundle/parquet-file.ts')
  for await (const lines of readParquet(path)) for (const line of lines) await sender.add(line)
  await sender.flush()
}

function ofLine(format: LineFormat, line: string, place: string) {
  try {
    return format.push(line)
  } catch (error) {
    if (!(error instanceof SwarmlogsError)) throw error
    throw new SwarmlogsError(error.code, `${error.message} (${place}); give another --format`, { cause: error })
  }
}

function readFormat(asked: unknown): FormatName | undefined {
  const format = FORMATS.find((name) => name === asked)
  if (format !== undefined || asked === undefined) return format
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${asked}' for --format: give ${FORMATS.join(', ')}`)
}
