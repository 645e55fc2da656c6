import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ELASTIC_VERSION } from './elastic-package.ts'
import { run } from './run.ts'

const SOURCE = fileURLToPath(new URL('elastic-plugin/EmailAnalysis.java', import.meta.url))

/** Gives an unpacked minimal Elasticsearch the little of the full release's analysis without which it can make no API keys. */
export async function addEmailAnalysis(home: string): Promise<void> {
  const dir = join(home, 'plugins/email-analysis')
  const classes = join(dir, 'classes')
  mkdirSync(classes, { recursive: true })
  await run('javac', ['-proc:none', '--release', '17', '-d', classes, '-cp', join(home, 'lib/*'), SOURCE])
  await run('jar', ['--create', '--file', join(dir, 'email-analysis.jar'), '-C', classes, '.'])
  rmSync(classes, { recursive: true })
  const descriptor = {
    name: 'email-analysis',
    description: 'Analysis of e-mail addresses',
    version: ELASTIC_VERSION,
    classname: 'lab.EmailAnalysis',
    'java.version': '17',
    'elasticsearch.version': ELASTIC_VERSION,
  }
  const lines = Object.entries(descriptor).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(dir, 'plugin-descriptor.properties'), lines.join(''))
}
