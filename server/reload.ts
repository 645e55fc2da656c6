import { unwatchFile, watchFile } from 'node:fs'

const POLL_MS = 2_000

/** Calls `onChange` when one of the files has changed, and on SIGHUP; returns what ends that. Files are polled: secrets are often links or mounts, which give no events. */
export function watchForReload(files: readonly string[], onChange: () => void): () => void {
  for (const file of files) watchFile(file, { interval: POLL_MS, persistent: false }, onChange)
  process.on('SIGHUP', onChange)
  return () => {
    for (const file of files) unwatchFile(file, onChange)
    process.off('SIGHUP', onChange)
  }
}
