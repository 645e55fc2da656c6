import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { SwarmlogsError } from '../../shared/errors.ts'
import { passingFile } from '../../shared/passing.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { textsOf } from '../export.ts'
import { FILTER_FLAGS, GREP_FLAG, LEVEL_FLAG, RANGE_FLAGS, SERVER_FLAGS } from '../flags.ts'
import { joinQueries } from '../operands.ts'
import { readQuestion } from '../question.ts'
import { ARCHIVE } from '../save.ts'
import { serve } from '../serve.ts'

const FORMS = ['ndjson', 'csv', 'parquet'] as const
type Form = (typeof FORMS)[number]
const EXAMPLES = `
Writes all lines that a query finds, in the order of their times; without --since and
--until those of all times. The form is that of the file's name, or --format: NDJSON
(one record a line, as -o json, without what belongs to the server), CSV, or Parquet.
Equal lines are equal bytes, so that two servers can be compared by --hash. What is
missing is said at the end, on stderr.

Examples:
  swarmlogs export -o all.ndjson.zst
  swarmlogs export --service 'shop_*' 'level>=error' --since 7d -o errors.csv
  swarmlogs export --since yesterday --until today -o yesterday.parquet
  swarmlogs export --hash                            only the sha256 of all lines`

/** The command `export`. */
export const exportLines: CommandSpec = {
  operand: { form: '[QUERY...]', text: 'what lines must have' },
  flags: [
    { flags: '-o, --output <FILE>', text: '.ndjson, .csv or .parquet; .gz or .zst behind it packs (default stdout)' },
    { flags: '--format <FORM>', text: `${FORMS.join(', ')} (default as the file is named, else ndjson)` },
    { flags: '--hash', text: 'print the sha256 of what would be written, and its number of lines' },
    ...RANGE_FLAGS,
    { flags: '--service <NAME>', text: 'only of these services (name, glob; repeatable)', isRepeatable: true },
    ...FILTER_FLAGS,
    GREP_FLAG,
    LEVEL_FLAG,
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run(words: readonly string[], flags: Flags): Promise<void> {
  const path = flags.output === undefined ? undefined : String(flags.output)
  const form = readForm(flags.format, path)
  const q = words.length === 0 ? {} : { q: joinQueries(words) }
  const { params } = readQuestion({ ...flags, ...q, output: 'json' }, [])
  const client = new Client(clientConfig(flags))
  await serve('warn', async (_, signal) => {
    if (form === 'parquet') return exportParquet(client, params, path, signal)
    const texts = textsOf(client, params, form === 'csv', signal)
    if (flags.hash === true) return printHash(texts)
    await (path === undefined ? writeOut(texts, signal) : writeFile(texts, path, signal))
  })
}

function readForm(asked: unknown, path: string | undefined): Form {
  const name = asked ?? /\.(\w+)(?:\.(?:gz|zst))?$/.exec(path ?? '')?.[1]
  const form = FORMS.find((one) => one === name)
  if (form !== undefined) return form
  if (asked === undefined && (path === undefined || ['jsonl', 'json', 'gz', 'zst'].includes(String(name))))
    return 'ndjson'
  const what = asked === undefined ? `cannot tell the form of '${path}'` : `cannot use '${asked}' for --format`
  throw new SwarmlogsError('SWARMLOGS_USAGE', `${what}: give ${FORMS.join(', ')}`)
}

async function printHash(texts: AsyncIterable<string>): Promise<void> {
  const sum = createHash('sha256')
  let lines = 0
  for await (const text of texts) {
    sum.update(text)
    lines += text.split('\n').length - 1
  }
  process.stdout.write(`${sum.digest('hex')}  ${lines} lines\n`)
}

async function writeOut(texts: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  await pipeline(texts, process.stdout, { end: false, signal })
}

/** There is no file of that name before all is in it. */
async function writeFile(texts: AsyncIterable<string>, path: string, signal: AbortSignal): Promise<void> {
  const unfinished = `${path}.unfinished`
  try {
    const passing = await passingFile(unfinished)
    try {
      const packer = path.endsWith('.gz') ? createGzip() : path.endsWith('.zst') ? createZstdCompress() : undefined
      const out = createWriteStream(unfinished)
      await (packer === undefined ? pipeline(texts, out, { signal }) : pipeline(texts, packer, out, { signal }))
      await rename(unfinished, path)
    } finally {
      await passing.remove()
    }
  } catch (error) {
    throw failed(error, path, signal)
  }
}

async function exportParquet(client: Client, params: URLSearchParams, path: string | undefined, signal: AbortSignal) {
  if (path === undefined)
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot write Parquet to stdout: give a file by -o')
  const { exportParquet: write } = await import('../../server/bundle/parquet-file.ts')
  const linesFrom = async (cursor: string | null) => {
    const asked = new URLSearchParams(params)
    if (cursor !== null) asked.set('cursor', cursor)
    return client.body(await client.get('api/v1/search', { accept: ARCHIVE, params: asked, signal }))
  }
  await write({ path, linesFrom, signal }).catch((error: unknown) => {
    throw failed(error, path, signal)
  })
}

function failed(error: unknown, path: string, signal: AbortSignal): unknown {
  if (signal.aborted)
    return new SwarmlogsError(
      'SWARMLOGS_STORE_UNAVAILABLE',
      'cannot export all lines: it was stopped; nothing was written',
    )
  if (error instanceof SwarmlogsError || !(error instanceof Error)) return error
  return new SwarmlogsError('SWARMLOGS_USAGE', `cannot write '${path}': ${error.message}`, { cause: error })
}
