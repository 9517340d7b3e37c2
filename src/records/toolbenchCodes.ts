/** The codes that ToolBench's environment gives its observations; they stand in answer files as `observation_code`. */

export const observationCode = {
  /** A reply, also one that holds an error of another kind. */
  replied: 0,
  unknownFunction: 1,
  badFinish: 2,
  finished: 3,
  gaveUp: 4,
  timedOut: 5,
  notWorking: 6,
  unauthorized: 7,
  unsubscribed: 8,
  tooManyRequests: 9,
  rateLimit: 10,
  messageError: 11,
  invalidAnswer: 12,
} as const
export type ObservationCode = (typeof observationCode)[keyof typeof observationCode]

const SERVER_ERRORS: Readonly<Record<string, ObservationCode>> = {
  'API not working error...': observationCode.notWorking,
  'Unauthorized error...': observationCode.unauthorized,
  'Unsubscribed error...': observationCode.unsubscribed,
  'Too many requests error...': observationCode.tooManyRequests,
  'Rate limit per minute error...': observationCode.rateLimit,
  'Message error...': observationCode.messageError,
}

/** The code of a reply of the tool server with this `error`. */
export const codeOfServerError = (error: string): ObservationCode =>
  (Object.hasOwn(SERVER_ERRORS, error) ? SERVER_ERRORS[error] : undefined) ?? observationCode.replied
