import { formatTime } from '../../shared/time.ts'
import { say } from './say.ts'

/** What is said of a bundle before it answers. */
interface Shown {
  readonly manifest: {
    readonly name: string
    readonly lines: number
    readonly since: string
    readonly until: string
    readonly question: readonly (readonly [string, string])[]
  }
  readonly lost: readonly {
    readonly member: { readonly name: string; readonly lines?: number }
    readonly why: string
  }[]
}

/** Says on stderr what the answers are about, and what of the bundle is damaged. */
export function sayBundle(path: string, { manifest, lost }: Shown): void {
  const { name, lines, since, until, question } = manifest
  const asked = question.filter(([parameter]) => parameter !== 'since' && parameter !== 'until')
  const what = asked.length === 0 ? '' : ` of ${asked.map(([parameter, value]) => `${parameter}=${value}`).join(' ')}`
  say(`-- ${path}: '${name}', ${lines} lines${what} from ${formatTime(BigInt(since))} to ${formatTime(BigInt(until))}`)
  for (const { member, why } of lost) say(`-- ${member.name}: ${why}; its ${member.lines ?? 0} lines are left out`)
}
