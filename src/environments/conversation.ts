/** What is said before the agent's first turn. */
export interface ConversationMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** The conversation that a query begins with: its own messages, else the user's words. */
export const conversationOf = ({
  messages,
  text,
}: {
  readonly messages?: readonly ConversationMessage[]
  readonly text: string
}): readonly ConversationMessage[] => messages ?? [{ role: 'user', content: text }]
