import { hash } from 'node:crypto'
import type { StoredRecord } from '../../shared/record.ts'

const NS_PER_DAY = 86_400_000_000_000n
/** 1990: containers did not log then, clocks without a battery do. */
const OLDEST_TIME = 631_152_000_000_000_000n
const MAX_CHARS = 120
/** SERVICE/2026-11-21.log, or of further files SERVICE/2026-11-21.2.log; packed with .gz behind it. */
const FILE = /^[\w.@-]+\/(\d{4}-\d\d-\d\d)(?:\.(\d{1,6}))?\.log(\.gz)?$/

/** The folder of a service; names that could lead elsewhere are changed, and told apart by a digest. */
export function folderOf({ service, containerName, tag, containerId }: StoredRecord['stream']): string {
  const name = service || containerName || tag || containerId || 'unknown'
  if (/^[A-Za-z0-9][\w.-]*$/.test(name) && name.length <= MAX_CHARS) return name
  const plain = name.replaceAll(/[^\w.-]/g, '_').replace(/^[^A-Za-z0-9]+/, '')
  return `${plain.slice(0, MAX_CHARS)}@${hash('sha256', name).slice(0, 8)}`
}

/** The UTC day of a line; of one whose time is out of all reason that of its arrival. */
export function dayOf({ time, received }: Pick<StoredRecord, 'time' | 'received'>): string {
  const isOdd = time < OLDEST_TIME || time > received + NS_PER_DAY
  return new Date(Number((isOdd ? received : time) / 1_000_000n)).toISOString().slice(0, 10)
}

/** Name of a file of a service's day, numbered from 1. */
export function fileName(folder: string, day: string, number: number): string {
  return `${folder}/${day}${number === 1 ? '' : `.${number}`}.log`
}

/** What the name of a file says; undefined when it is none of a mirror. */
export function parseName(name: string): { day: string; number: number; isPacked: boolean } | undefined {
  const [, day, number = '1', packed] = FILE.exec(name) ?? []
  return day === undefined ? undefined : { day, number: Number(number), isPacked: packed !== undefined }
}
