import type { ApiRefusals, ApiStatus } from '../../shared/api/status.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import { clusterChecks, worst } from '../cluster-checks.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { LIST_FLAG, SERVER_FLAGS } from '../flags.ts'
import { listForm, printList } from '../list.ts'
import { ago } from '../output/ago.ts'
import { harmless } from '../output/harmless.ts'
import { statusScreen } from '../output/status-screen.ts'

const WIDTH = 80
const EXIT_ATTENTION = 1

const EXAMPLES = `
One screen: whether the lines of all nodes come in, what was lost in the last day,
what needs attention, the store, and each node with its agent. LAG is how long ago
all lines of a node were stored, SPOOL what waits on its disk, READS how many
containers its agent follows. --check is for monitoring; what it finds, and more,
\`swarmlogs doctor\` explains.

Examples:
  swarmlogs status
  swarmlogs status --check > /dev/null || echo 'logs need attention'
  swarmlogs status --refused         the newest lines that the store would never take
  swarmlogs status -o json | jq -r '.nodes[] | select(.late) | .name'`

/** The command `status`. */
export const status: CommandSpec = {
  flags: [
    { flags: '--check', text: 'exit code 1 when something needs attention' },
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

async function printStatus(flags: Flags): Promise<void> {
  const form = listForm(flags)
  const { answer, date } = await new Client(clientConfig(flags)).json<ApiStatus>('api/v1/status')
  if (form === 'json') process.stdout.write(`${JSON.stringify(answer)}\n`)
  else process.stdout.write(`${screen(answer, date).join('\n')}\n`)
  if (flags.check === true && worst(clusterChecks(answer)) !== 'ok') process.exitCode = EXIT_ATTENTION
}

function screen(answer: ApiStatus, date: number): string[] {
  const { isTTY, columns } = process.stdout
  const lines = statusScreen(answer, date, Math.max(WIDTH, (isTTY && columns) || 0))
  return isTTY ? lines.map((line) => harmless(line)) : lines
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
