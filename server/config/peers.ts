import { type Environment, type Flags, listSetting } from '../../shared/settings.ts'
import { conflict, unusable } from './values.ts'

/** A name that stands for the servers on one store, and their HTTP port. */
export interface PeerName {
  readonly host: string
  readonly port: number
}

/** Reads `--peers`; undefined when it is not given. */
export function peersConfig(flags: Flags, env: Environment, isShared: boolean): readonly PeerName[] | undefined {
  const names = listSetting(flags, env, 'peers')
  if (names.length === 0) return undefined
  if (!isShared)
    throw conflict('cannot use --peers (SWARMLOGS_PEERS) with the embedded store: only one server can have it open')
  return names.map((text) => {
    const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups
    if (match !== undefined && Number(match.port) <= 65_535)
      return { host: match.v6 ?? match.name ?? '', port: Number(match.port) }
    throw unusable('peers', text, 'give HOST:PORT of their HTTP API, such as tasks.server:4280')
  })
}
