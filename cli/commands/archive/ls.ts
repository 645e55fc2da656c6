import type { ApiArchive, ApiArchivedDay, ApiHold } from '../../../shared/api/archive.ts'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Flags } from '../../../shared/settings.ts'
import { Client } from '../../client.ts'
import { clientConfig } from '../../config.ts'
import { listForm } from '../../list.ts'
import { bytesText } from '../../output/bytes.ts'
import { say } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'

const HEADING = ['DAY', 'LINES', 'FIRST', 'LAST', 'SIZE', 'RATIO', 'GEN', 'HOLD', 'DAMAGED']

/** `archive ls`. */
export async function ls(args: readonly string[], flags: Flags): Promise<void> {
  if (args.length > 0) throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot list '${args[0]}': ls takes no days`)
  const form = listForm({ output: 'table', ...flags })
  const archive = await readArchive(flags)
  if (form === 'json') {
    process.stdout.write(`${JSON.stringify(archive)}\n`)
    return
  }
  const { days, holds, damaged } = archive
  const waiting = holds.filter(({ day }) => !days.some((one) => one.day === day))
  const rows = [...days.map(rowOf), ...waiting.map((hold) => [hold.day, ...Array(6).fill('-'), holdText(hold), ''])]
  printTable(
    HEADING,
    rows.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  )
  for (const file of damaged)
    if (!days.some((one) => one.damaged.includes(file))) say(`-- ${file} is damaged: its day cannot be read`)
}

/** What is archived: at the server, or in the folder that --dir names. */
export async function readArchive(flags: Flags): Promise<ApiArchive> {
  if (flags.dir === undefined) return (await new Client(clientConfig(flags)).json<ApiArchive>('api/v1/archive')).answer
  const { listFolder } = await import('../../../server/archive/offline.ts')
  return listFolder(String(flags.dir))
}

function rowOf({ day, lines, first, last, bytes, message_bytes, generation, hold, damaged }: ApiArchivedDay): string[] {
  return [
    ...[day, String(lines), first.slice(11, 19), last.slice(11, 19), bytesText(bytes)],
    ...[message_bytes === 0 ? '-' : (bytes / message_bytes).toFixed(2), String(generation), hold ? holdText(hold) : ''],
    damaged.map((file) => file.slice(file.indexOf('/') + 1)).join(','),
  ]
}

function holdText({ reason }: ApiHold): string {
  return reason.replaceAll('\n', ' ') || 'kept'
}
