/** Names that are used where a request leaves them open. */
import { EMBEDDED_MODEL } from '../models/embeddedModel'

/** The world that the story and online training act in, and that tools are tried in. */
export const DEFAULT_ENVIRONMENT = 'starter'
/** The exam that is offered first, and the practice of the story and of online training. */
export const DEFAULT_BENCHMARK = 'starter'
export const DEFAULT_STRATEGY = 'cot'
/** The model that comes with the page. */
export const DEFAULT_MODEL = EMBEDDED_MODEL
/** Reinforcement learning needs attempts drawn from the policy's own distribution. */
export const PRACTICE_TEMPERATURE = 1
