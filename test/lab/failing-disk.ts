import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { preload } from './preload.ts'
import { attempt } from './run.ts'

const FILES = 300

/** A disk that fails when a test says so. */
export interface FailingDisk {
  /** The folder that is on it. */
  readonly dir: string
  /** What a program that is to feel it must have in its environment. */
  readonly env: Readonly<Record<string, string>>
  /** Fails, or works again. */
  fail(): Promise<void>
  heal(): Promise<void>
  remove(): Promise<void>
}

/** A small disk of its own in memory, which fails by being full to the last byte. */
export async function smallDisk(root: string, megabytes: number): Promise<FailingDisk> {
  const dir = join(root, 'small-disk')
  mkdirSync(dir, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,nr_inodes=${FILES}`, 'tmpfs', dir])
  const hogs = join(dir, 'hogs')
  return {
    dir: join(dir, 'data'),
    env: {},
    fail: async () => {
      mkdirSync(hogs)
      // Both end with an error, as they should: there is room for no byte, and for no name.
      await attempt('dd', ['if=/dev/zero', `of=${hogs}/hog`, 'bs=4k'])
      await attempt('sh', ['-c', `i=0; while mkdir ${hogs}/$i; do i=$((i + 1)); done`])
    },
    heal: async () => rmSync(hogs, { recursive: true }),
    remove: async () => void (await attempt('umount', ['-l', dir])),
  }
}

/** A folder whose writes and syncs fail with EIO, for programs that were started with its environment. */
export async function brokenDisk(root: string): Promise<FailingDisk> {
  const dir = join(root, 'broken-disk')
  const on = join(root, 'broken-disk-on')
  mkdirSync(dir, { recursive: true })
  return {
    dir,
    env: { LD_PRELOAD: await preload(root, 'failing-disk'), FAILING_DISK: dir, FAILING_DISK_ON: on },
    fail: async () => writeFileSync(on, ''),
    heal: async () => rmSync(on),
    remove: async () => rmSync(dir, { recursive: true, force: true }),
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await attempt(command, args)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}`)
}
