import { existsSync } from 'node:fs'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Flags } from '../../../shared/settings.ts'
import { Client } from '../../client.ts'
import { clientConfig } from '../../config.ts'
import { backupProgress } from '../../output/backup-progress.ts'
import { bytesText } from '../../output/bytes.ts'
import { harmless } from '../../output/harmless.ts'
import { serve } from '../../serve.ts'

/** `store backup`: asks the server for a backup, or with --data the folder itself. */
export async function backup(operands: readonly string[], flags: Flags): Promise<void> {
  if (operands.length > 0) throw usage('cannot back up this: give the file to write with -o')
  const path = String(flags.output ?? `swarmlogs-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z.tar`)
  if (existsSync(path)) throw usage(`cannot write '${path}': it is there already; give another -o`)
  const { saveBackup } = await import('../../../server/backup/save.ts')
  const { describeBackup } = await import('../../../server/backup/manifest.ts')
  const progress = backupProgress()
  await serve('warn', async (log, signal) => {
    const source = flags.data === undefined ? await ofServer(flags, signal) : await ofFolder(String(flags.data), log)
    const saved = await saveBackup({ ...source, path, signal, onProgress: progress.show })
      .finally(progress.end)
      .finally(source.close)
    const { manifest, fingerprint } = saved
    process.stdout.write(
      `saved ${path}: ${describeBackup(manifest)}, ${bytesText(source.bytes)}, sha256 ${fingerprint}\n`,
    )
  })
}

/** `store restore`: makes a store's folder of a backup. */
export async function restore(operands: readonly string[], flags: Flags): Promise<void> {
  const path = oneFile(operands, 'restore')
  if (flags.data === undefined) throw usage('cannot restore without --data: give the folder that the server will have')
  const { restoreBackup } = await import('../../../server/backup/restore.ts')
  const { describeBackup } = await import('../../../server/backup/manifest.ts')
  const progress = backupProgress()
  await serve('warn', async (_, signal) => {
    const run = { signal, onProgress: progress.show }
    const manifest = await restoreBackup(path, String(flags.data), run).finally(progress.end)
    process.stdout.write(`restored to ${String(flags.data)}: ${harmless(describeBackup(manifest))}\n`)
  })
}

/** `store verify`: reads all of a backup and names what is damaged. */
export async function verify(operands: readonly string[], flags: Flags): Promise<void> {
  const path = oneFile(operands, 'verify')
  const { verifyBackup } = await import('../../../server/backup/verify.ts')
  const { describeBackup } = await import('../../../server/backup/manifest.ts')
  const progress = backupProgress()
  await serve('warn', async (_, signal) => {
    const run = { signal, onProgress: progress.show }
    const { manifest, fingerprint, findings } = await verifyBackup(path, run).finally(progress.end)
    process.stdout.write(`${harmless(`${path}: ${describeBackup(manifest)}; sha256 ${fingerprint}`)}\n`)
    for (const { name, why } of findings) process.stdout.write(`${name}: ${why}\n`)
    if (flags.sha256 !== undefined && flags.sha256 !== fingerprint)
      throw damaged(`cannot trust ${path}: it is not the backup with the sha256 ${flags.sha256}`)
    if (findings.length > 0) throw damaged(`cannot trust all of ${path}: take a new one, or use an older one`)
    process.stdout.write('all of it is as it was saved\n')
  })
}

async function ofServer(flags: Flags, signal: AbortSignal) {
  const client = new Client(clientConfig(flags))
  const response = await client.get('api/v1/backup', { accept: 'application/x-tar', signal })
  const bytes = Number(response.headers['content-length'] ?? 0)
  return { bytes, pieces: client.body(response), close: async () => void response.destroy() }
}

async function ofFolder(dir: string, log: Parameters<Parameters<typeof serve>[1]>[0]) {
  const { openOffline } = await import('../../../server/backup/offline.ts')
  return openOffline(dir, log)
}

function oneFile([path = '', ...more]: readonly string[], action: string): string {
  if (path !== '' && more.length === 0) return path
  throw usage(`cannot ${action} this: give one file, as \`store backup\` wrote it`)
}

function usage(message: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_USAGE', message)
}

function damaged(message: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', message)
}
