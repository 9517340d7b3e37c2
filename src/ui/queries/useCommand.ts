/** A command to the studio as a hook: whether it is under way, why it was refused, and which answers it makes invalid. */
import { useMutation, useQueryClient, type QueryKey } from '@tanstack/react-query'
import type { Reply } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { useStudioState } from '../stores/studio'
import { Refused, sentenceOf, valueOf } from './client'

export interface Command<Variables, T> {
  /** Sends the command. `onSuccess` is called when it was obeyed and the component is still there. */
  readonly mutate: (variables: Variables, options?: { readonly onSuccess?: (value: T) => void }) => void
  readonly isPending: boolean
  /** Why the studio refused, as a sentence. */
  readonly error: string | null
  /** Which kind of refusal it was; null when it was none of the studio's. */
  readonly errorCode: string | null
  readonly data: T | undefined
  /** What was asked last. */
  readonly variables: Variables | undefined
  /** Forgets the last error and value. */
  readonly reset: () => void
}

interface Effects<T> {
  /** Keys of the queries that are asked again afterwards, whether the command was obeyed or not. */
  readonly invalidates?: readonly QueryKey[]
  /** It is called with the value, also when the component is gone. */
  readonly onValue?: (value: T) => void
}

export function useCommand<Variables, T>(
  command: (studio: StudioApi, variables: Variables) => Promise<Reply<T>>,
  { invalidates = [], onValue }: Effects<T> = {},
): Command<Variables, T> {
  const client = useQueryClient()
  const mutation = useMutation<T, Error, Variables>({
    mutationFn: (variables) => {
      const { studio } = useStudioState.getState()
      if (!studio) throw new Error('The engine has not started yet. Wait a moment, then try again.')
      return valueOf(command(studio, variables))
    },
    ...(onValue ? { onSuccess: onValue } : {}),
    onSettled: () => {
      for (const queryKey of invalidates) void client.invalidateQueries({ queryKey })
    },
  })
  return {
    mutate: (variables, options = {}) => {
      mutation.mutate(variables, options.onSuccess ? { onSuccess: options.onSuccess } : {})
    },
    isPending: mutation.isPending,
    error: mutation.error === null ? null : sentenceOf(mutation.error),
    errorCode: mutation.error instanceof Refused ? mutation.error.code : null,
    data: mutation.data,
    variables: mutation.variables,
    reset: mutation.reset,
  }
}
