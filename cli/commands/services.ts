import type { Command } from 'commander'
import type { ApiService, ApiServices } from '../../shared/api.ts'
import { printList } from '../list.ts'
import { listFormOption, serverOptions } from '../options.ts'
import { ago } from '../output/ago.ts'

const EXAMPLES = `
Examples:
  swarmlogs services                 what logs are kept of, services that are gone included
  swarmlogs services -o json | jq -r '.services[].name'
  swarmlogs services --url http://node1:4280`

/** Adds what `services` takes and does. */
export function define(command: Command): void {
  serverOptions(listFormOption(command)).addHelpText('after', EXAMPLES).action(services)
}

function services(flags: Readonly<Record<string, unknown>>): Promise<void> {
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
