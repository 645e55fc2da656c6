import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** This program's version: that of the package.json above the sources or the build. */
export function programVersion(): string {
  const path = findPackageJSON('.', import.meta.url)
  if (path === undefined) throw new Error('BUG: no package.json above the program')
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return version
}
