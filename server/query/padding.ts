import type { LogStream } from '../../shared/record.ts'
import type { Inventories } from '../inventories.ts'

/** How wide the slots of a stream's service are printed: digits of its replicas now, or last known, else of the widest slot seen. */
export function slotWidths(inventories: Inventories, streams: readonly LogStream[]): (stream: LogStream) => number {
  let widest: ReadonlyMap<string, number> | undefined
  return (stream) => {
    const service = inventories.service(stream.serviceId)
    if (service?.mode === 'replicated') return String(service.replicas).length
    if (service !== undefined) return 1
    widest ??= widestSlots(streams)
    return widest.get(serviceKey(stream)) ?? 1
  }
}

function widestSlots(streams: readonly LogStream[]): ReadonlyMap<string, number> {
  const widest = new Map<string, number>()
  for (const stream of streams) {
    const key = serviceKey(stream)
    widest.set(key, Math.max(widest.get(key) ?? 1, String(stream.slot).length))
  }
  return widest
}

function serviceKey(stream: LogStream): string {
  return stream.serviceId || stream.service
}
