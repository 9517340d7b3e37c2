/** What ToolBench's environment and the answer files share: the codes of observations (`observation_code`), and `Finish`, the function that ends an attempt. */

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

export const FINISH = 'Finish'
export const GIVE_ANSWER = 'give_answer'
export const GIVE_UP = 'give_up_and_restart'

/** What is observed when an attempt ends. */
export const ANSWERED = '{"response":"successfully giving the final answer."}'
export const GAVE_UP = '{"response":"chose to give up and restart"}'

/** The function that ends an attempt. What it says to the model is part of the format of answer files. */
export const finishFunction = {
  name: FINISH,
  description:
    'If you believe that you have obtained a result that can answer the task, please call this function to provide the final answer. Alternatively, if you recognize that you are unable to proceed with the task in the current state, call this function to restart. Remember: you must ALWAYS call this function at the end of your attempt, and the only part that will be shown to the user is the final answer, so it should contain sufficient information.',
  parameters: {
    type: 'object',
    properties: {
      return_type: { type: 'string', enum: [GIVE_ANSWER, GIVE_UP] },
      final_answer: {
        type: 'string',
        description: 'The final answer you want to give the user. You should have this field if "return_type"=="give_answer"',
      },
    },
    required: ['return_type'],
  },
} as const
