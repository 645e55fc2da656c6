import { STORES } from '../stores.ts'
import { answersTheSame } from './same.ts'

for (const [name, open] of STORES) answersTheSame(name, open)
