import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { attempt, run } from './run.ts'
import { step } from './step.ts'

/** A program that the lab needs and the Debian package that brings it. */
interface Need {
  readonly program: string
  readonly package: string
}

const needs: readonly Need[] = [
  { program: 'dockerd', package: 'docker.io' },
  { program: 'docker', package: 'docker.io' },
  { program: 'containerd', package: 'containerd' },
  { program: 'runc', package: 'runc' },
  { program: 'ip', package: 'iproute2' },
  { program: 'iptables', package: 'iptables' },
  { program: 'nsenter', package: 'util-linux' },
  { program: 'tar', package: 'tar' },
]

/** Finds a program in PATH; undefined when it is not there. */
export function which(program: string, path = process.env.PATH ?? ''): string | undefined {
  // Not every user's PATH has the sbin folders, in which dockerd and iptables live.
  const folders = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable)
}

/** Installs Debian's Docker engine and what else the lab needs, when missing; says so on stderr, with the time it took. */
export async function ensureDocker(): Promise<void> {
  await ensurePackages(await missingPackages())
}

/** Installs Debian packages; does nothing when the list is empty. */
export async function ensurePackages(packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return
  if (which('apt-get') === undefined || process.getuid?.() !== 0)
    throw new Error(
      `cannot install ${packages.join(' ')}: this is not root on Debian; install them by hand, then try again`,
    )
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const quiet = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0']
  await step(`installing ${packages.join(' ')}`, async () => {
    await run('apt-get', [...quiet, 'update'], { env, timeoutMs: 600_000 })
    await run('apt-get', [...quiet, 'install', '-y', '--no-install-recommends', ...packages], {
      env,
      timeoutMs: 900_000,
    })
  })
}

async function missingPackages(): Promise<string[]> {
  const missing = new Set(needs.filter((need) => which(need.program) === undefined).map((need) => need.package))
  if (!(await hasStaticBusybox())) missing.add('busybox-static')
  // A kernel that has AppArmor on makes dockerd load its profile, and every container fails without the loader.
  if (hasAppArmor() && which('apparmor_parser') === undefined) missing.add('apparmor')
  return [...missing]
}

/** The lab's own images hold nothing but busybox, so it must not need a library. */
async function hasStaticBusybox(): Promise<boolean> {
  const path = which('busybox')
  return path !== undefined && (await attempt('ldd', [path])).code !== 0
}

function hasAppArmor(): boolean {
  const file = '/sys/module/apparmor/parameters/enabled'
  return existsSync(file) && readFileSync(file, 'utf8').startsWith('Y')
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
