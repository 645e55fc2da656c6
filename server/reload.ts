const POLL_MS = 2_000

/**
 * Calls `reload` every few seconds and on SIGHUP; returns what ends that. What is reloaded must itself see whether anything
 * has changed: secrets are often links or mounts, which give no events and may keep their times.
 */
export function reloadRegularly(reload: () => void): () => void {
  const timer = setInterval(reload, POLL_MS)
  timer.unref()
  process.on('SIGHUP', reload)
  return () => {
    clearInterval(timer)
    process.off('SIGHUP', reload)
  }
}
