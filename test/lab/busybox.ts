import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { which } from './install.ts'
import { run } from './run.ts'

/** The name of the tiny image, busybox and nothing else, that every engine of the lab has. */
export const BUSYBOX_IMAGE = 'lab/busybox:1'

/** Imports the busybox image into each engine. */
export async function importBusybox(
  engines: readonly { docker(args: readonly string[]): Promise<string> }[],
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'swarmlogs-busybox-'))
  try {
    const tar = await busyboxTar(dir)
    await Promise.all(
      engines.map((engine) => engine.docker(['import', '--change', 'CMD ["/bin/sh"]', tar, BUSYBOX_IMAGE])),
    )
  } finally {
    rmSync(dir, { recursive: true })
  }
}

async function busyboxTar(dir: string): Promise<string> {
  const root = join(dir, 'root')
  for (const folder of ['bin', 'tmp', 'etc']) mkdirSync(join(root, folder), { recursive: true })
  const busybox = join(root, 'bin/busybox')
  copyFileSync(which('busybox') ?? '/bin/busybox', busybox)
  const applets = (await run(busybox, ['--list'])).trim().split('\n')
  for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
  const tar = join(dir, 'busybox.tar')
  await run('tar', ['-C', root, '-cf', tar, '.'])
  return tar
}
