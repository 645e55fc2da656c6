import type { Command } from 'commander'
import type { ApiNodes } from '../../shared/api.ts'
import { printList } from '../list.ts'
import { listFormOption, serverOptions } from '../options.ts'
import { ago } from '../output/ago.ts'

const EXAMPLES = `
Examples:
  swarmlogs nodes                    the nodes that logs are kept of, and when their agents last sent anything
  swarmlogs nodes -o json | jq -r '.nodes[] | select(.state != "ready") | .name'
  swarmlogs nodes --url http://node1:4280`

/** Adds what `nodes` takes and does. */
export function define(command: Command): void {
  serverOptions(listFormOption(command)).addHelpText('after', EXAMPLES).action(nodes)
}

function nodes(flags: Readonly<Record<string, unknown>>): Promise<void> {
  return printList<ApiNodes>(flags, 'api/v1/nodes', (answer, now) => {
    const when = (time: string | undefined) => (time === undefined ? '' : ago(Date.parse(time), now))
    return {
      heading: ['NAME', 'ID', 'ROLE', 'AVAILABILITY', 'STATE', 'ENGINE', 'AGENT SEEN', 'LINES', 'LAST LINE'],
      rows: answer.nodes.map((node) => [
        ...[node.name, node.id, node.role, node.availability, node.state, node.engine],
        ...[when(node.agent_seen), String(node.records), when(node.last)],
      ]),
    }
  })
}
