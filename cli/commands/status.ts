import type { Flags } from '../../shared/settings.ts'
import type { ApiRefusals, ApiStatus, ApiStoreStatus } from '../../shared/status.ts'
import type { CommandSpec } from '../command.ts'
import { LIST_FLAG, SERVER_FLAGS } from '../flags.ts'
import { printList } from '../list.ts'
import { ago } from '../output/ago.ts'
import { bytesText } from '../output/bytes.ts'

const EXAMPLES = `
Examples:
  swarmlogs status                   the store: whether it takes lines, how many it has
  swarmlogs status --refused         the newest lines that the store would never take
  swarmlogs status -o json | jq .store.writable`

/** The command `status`. */
export const status: CommandSpec = {
  flags: [
    { flags: '--refused', text: 'the newest lines that the store would never take, and why' },
    LIST_FLAG,
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

function run(_: readonly string[], flags: Flags): Promise<void> {
  return flags.refused === true ? printRefused(flags) : printStatus(flags)
}

function printStatus(flags: Flags): Promise<void> {
  return printList<ApiStatus>(flags, 'api/v1/status', (answer, now) => ({
    heading: ['SERVER', answer.version],
    rows: [...storeRows(answer.store, now)],
  }))
}

function storeRows(store: ApiStoreStatus, now: number): [name: string, value: string][] {
  const begins = store.begins === undefined ? '' : `, the oldest of ${ago(Date.parse(store.begins), now)}`
  const parts = store.kind === 'elasticsearch' ? 'indices' : 'files'
  return [
    ['STORE', `${store.kind} ${store.id}, epoch ${store.epoch}`],
    ['TAKES LINES', store.writable ? 'yes' : `no: ${store.reason ?? ''}`],
    ['LINES', `${store.records} in ${store.segments} ${parts}, ${bytesText(store.bytes)}${begins}`],
    ['DAMAGED', store.damaged.length === 0 ? 'none' : store.damaged.join(', ')],
    ['REFUSED', store.refused === 0 ? 'none' : `${store.refused}: see swarmlogs status --refused`],
  ]
}

function printRefused(flags: Flags): Promise<void> {
  return printList<ApiRefusals>(flags, 'api/v1/status/refused', ({ refused }, now) => ({
    heading: ['WHEN', 'SERVICE', 'CONTAINER', 'REASON'],
    rows: refused.map((one) => [
      ...[ago(Date.parse(one.time), now), one['service.name'] ?? '', (one['container.id'] ?? '').slice(0, 12)],
      one.reason,
    ]),
  }))
}
