import type { ApiService, ApiServices } from '../../shared/api/catalog.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { LIST_FLAG, SERVER_FLAGS } from '../flags.ts'
import { printList } from '../list.ts'
import { ago } from '../output/ago.ts'

const EXAMPLES = `
Examples:
  swarmlogs services                 services that are gone included
  swarmlogs services -o json | jq -r '.services[].name'
  swarmlogs services --url http://node1:4280`

/** The command `services`. */
export const services: CommandSpec = {
  flags: [LIST_FLAG, ...SERVER_FLAGS],
  help: EXAMPLES,
  run,
}

function run(_: readonly string[], flags: Flags): Promise<void> {
  return printList<ApiServices>(flags, 'api/v1/services', (answer, now) => ({
    heading: ['NAME', 'STACK', 'MODE', 'REPLICAS', 'IMAGE', 'LINES', 'LAST LINE', 'STATE'],
    rows: answer.services.map((service) => [
      service.name,
      service.stack,
      service.mode,
      service.mode.startsWith('replicated') ? String(service.replicas) : '',
      service.image.replace(/@sha256:.*/, ''),
      String(service.records),
      service.last === undefined ? '' : ago(Date.parse(service.last), now),
      state(service),
    ]),
  }))
}

function state({ current, update }: ApiService): string {
  return current === false ? 'removed' : update
}
