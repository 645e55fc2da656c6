import type { Logger } from 'pino'
import { imageWithDigest, parseAttributes } from '../enrich.ts'
import { Frames } from '../frames.ts'
import { StampReader } from '../stamp.ts'
import type { NodeIdentity, Target } from '../target.ts'
import type { Engine } from './engine.ts'
import type { ContainerEvent } from './events.ts'
import { nanosOf } from './gaps.ts'

/** A container as the list shows it. */
export interface ListedContainer {
  readonly id: string
  readonly name: string
  /** created, running, exited, ... */
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
  /** The reference that it was created with, as far as the list tells. */
  readonly image: string
}

interface Inspected {
  readonly Id: string
  readonly Name: string
  readonly Created?: string
  readonly Image?: string
  readonly State: {
    readonly Running?: boolean
    readonly StartedAt?: string
    readonly FinishedAt?: string
    readonly Restarting?: boolean
  }
  readonly Config: {
    readonly Tty?: boolean
    readonly Image?: string
    readonly Labels?: Record<string, string> | null
    readonly StopSignal?: string
  }
  readonly HostConfig: {
    readonly LogConfig?: { readonly Type?: string; readonly Config?: Record<string, string> | null }
  }
}

interface Info {
  readonly ID?: string
  readonly Name?: string
  readonly Swarm?: { readonly NodeID?: string; readonly Cluster?: { readonly ID?: string } | null }
}

/** All containers that the engine has. */
export async function listContainers(engine: Engine, signal: AbortSignal): Promise<ListedContainer[]> {
  const list = (await engine.get('/containers/json', { all: 1 }, signal)) as {
    Id: string
    Names?: string[] | null
    State: string
    Labels?: Record<string, string> | null
    Image?: string
  }[]
  return list.map(({ Id, Names, State, Labels, Image }) => ({
    ...{ id: Id, name: bareName(Names?.[0]), state: State, labels: Labels ?? {}, image: Image ?? '' },
  }))
}

/** Describes a container; `fresh` when it was seen being created. Throws SWARMLOGS_NOT_FOUND. */
export async function inspectTarget(engine: Engine, id: string, fresh: boolean, signal: AbortSignal): Promise<Target> {
  const { Id, Name, Created, Image, State, Config, HostConfig } = (await engine.get(
    `/containers/${id}/json`,
    {},
    signal,
  )) as Inspected
  return {
    id: Id,
    name: bareName(Name),
    labels: Config.Labels ?? {},
    image: Config.Image ?? '',
    imageId: Image ?? '',
    tty: Config.Tty === true,
    running: State.Running === true && State.Restarting !== true,
    started: State.Running === true || !/^0001-/.test(State.StartedAt ?? '0001-'),
    fresh,
    stopSignal: Config.StopSignal ?? '',
    born: nanosOfStamp(Created),
    startedAt: nanosOfStamp(State.StartedAt),
    endedAt: nanosOfStamp(State.FinishedAt),
    driver: HostConfig.LogConfig?.Type ?? '',
    driverOptions: HostConfig.LogConfig?.Config ?? {},
  }
}

/** What the last event of a container that is gone tells of it. */
export function targetOfEvent({ id, name, attributes, time }: ContainerEvent, startedAt: bigint): Target {
  return {
    ...{ id, name, labels: attributes, image: attributes.image ?? '', imageId: '', tty: false, stopSignal: '' },
    ...{ running: false, started: true, fresh: true, born: startedAt, startedAt, endedAt: time },
    ...{ driver: '', driverOptions: {} },
  }
}

/** A time as the engine writes it; 0 when it never was. */
function nanosOfStamp(text = ''): bigint {
  const stamp = new StampReader()
  const bytes = Buffer.from(`${text} `)
  const isTime = stamp.read(bytes, 0, bytes.length) > 0 && stamp.seconds > 0
  return isTime ? nanosOf([stamp.seconds, stamp.nanos]) : 0n
}

function bareName(name = ''): string {
  return name.replace(/^\//, '')
}

/** Describes the node that the engine runs on. */
export async function readNode(engine: Engine, signal: AbortSignal): Promise<NodeIdentity> {
  const { ID, Name, Swarm } = (await engine.get('/info', {}, signal)) as Info
  return { id: Swarm?.NodeID || ID || '', name: Name ?? '', cluster: Swarm?.Cluster?.ID ?? '' }
}

/** The image that a container runs, with digest where the engine knows one. */
export async function imageOf(engine: Engine, target: Target, signal: AbortSignal): Promise<string> {
  if (target.image.includes('@') || !target.imageId) return target.image
  try {
    const { RepoDigests } = (await engine.get(`/images/${target.imageId}/json`, {}, signal)) as {
      RepoDigests?: string[]
    }
    return imageWithDigest(target.image, RepoDigests ?? [])
  } catch {
    // The image was removed, or the engine went away: the reference alone is right too.
    return target.image
  }
}

const ATTRIBUTE_OPTIONS = ['labels', 'labels-regex', 'env', 'env-regex', 'tag']

/** The attributes that the log driver stores with each line of a container; they are the same on all, so one line shows them. */
export async function attributesOf(
  engine: Engine,
  target: Target,
  signal: AbortSignal,
  log: Pick<Logger, 'debug'>,
): Promise<Record<string, string>> {
  if (!ATTRIBUTE_OPTIONS.some((option) => target.driverOptions[option])) return {}
  try {
    return parseAttributes(await lastLine(engine, target, signal))
  } catch (error) {
    log.debug({ err: error, container: target.id }, 'cannot read the log attributes of a container')
    return {}
  }
}

async function lastLine(engine: Engine, { id, tty }: Target, signal: AbortSignal): Promise<string> {
  const query = { stdout: 1, stderr: 1, details: 1, tail: 1, timestamps: 0 }
  const response = await engine.stream(`/containers/${id}/logs`, query, signal)
  const pieces: Buffer[] = []
  const frames = new Frames((_type, buffer, start, end) => pieces.push(buffer.subarray(start, end)))
  for await (const chunk of response) {
    if (tty) pieces.push(chunk)
    else frames.push(chunk)
  }
  return Buffer.concat(pieces).toString()
}
