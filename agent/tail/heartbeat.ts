const BEAT_MS = 250
/** The process did not run for so long: the engine may have passed over whole files of a log that is followed, and tells nobody. */
const LATE_MS = 1_000

const listeners = new Set<() => void>()
let timer: NodeJS.Timeout | undefined

/** Calls back whenever the process was stopped, or too busy, for a second; returns what ends that. All share one timer. */
export function onLate(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= beat()
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function beat(): NodeJS.Timeout {
  let lastMs = performance.now()
  const look = () => {
    const nowMs = performance.now()
    const isLate = nowMs - lastMs > LATE_MS
    lastMs = nowMs
    if (isLate) for (const listener of listeners) listener()
  }
  return setInterval(look, BEAT_MS).unref()
}
