import type { ApiNodes } from '../../shared/api/catalog.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { LIST_FLAG, SERVER_FLAGS } from '../flags.ts'
import { printList } from '../list.ts'
import { ago } from '../output/ago.ts'

/** Ids of Swarm nodes have so many; a lone engine's has more, of which a prefix will do. */
const ID_LENGTH = 25

const EXAMPLES = `
Examples:
  swarmlogs nodes                    with when their agents last sent anything
  swarmlogs nodes -o json | jq -r '.nodes[].name'
  swarmlogs nodes --url http://node1:4280`

/** The command `nodes`. */
export const nodes: CommandSpec = {
  flags: [LIST_FLAG, ...SERVER_FLAGS],
  help: EXAMPLES,
  run,
}

function run(_: readonly string[], flags: Flags): Promise<void> {
  return printList<ApiNodes>(flags, 'api/v1/nodes', (answer, now) => {
    const when = (time: string | undefined) => (time === undefined ? '' : ago(Date.parse(time), now))
    return {
      heading: ['NAME', 'ID', 'ROLE', 'AVAILABILITY', 'STATE', 'ENGINE', 'AGENT SEEN', 'LINES', 'LAST LINE'],
      rows: answer.nodes.map((node) => [
        ...[node.name, node.id.slice(0, ID_LENGTH), node.role, node.availability, node.state, node.engine],
        ...[when(node.agent_seen), String(node.records), when(node.last)],
      ]),
    }
  })
}
