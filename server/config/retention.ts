import { type Environment, type Flags, listSetting } from '../../shared/settings.ts'
import { parseDuration } from '../../shared/time.ts'
import type { RetentionRule } from '../retention.ts'
import { ofSetting, unusable } from './values.ts'

const NAME = 'retention-rule'
const MAX_RULES = 100

/** Reads --retention-rule, `SERVICE=DURATION` each. Throws SWARMLOGS_CONFIG, which names the setting. */
export function retentionRules(flags: Flags, env: Environment): readonly RetentionRule[] {
  const texts = listSetting(flags, env, NAME)
  if (texts.length > MAX_RULES) throw unusable(NAME, `${texts.length} rules`, `give at most ${MAX_RULES}`)
  return texts.map((text) => {
    const at = text.lastIndexOf('=')
    const services = text.slice(0, Math.max(at, 0)).trim()
    const ms = Number(ofSetting(NAME, () => parseDuration(text.slice(at + 1).trim())) / 1_000_000n)
    if (services !== '' && ms > 0) return { services, ms }
    throw unusable(NAME, text, "give SERVICE=DURATION, such as 'debug-*=2d'")
  })
}
