import { PromptError } from '../errors/prompt.ts'

/** One message of a chat, as chat templates take it. */
export interface ChatMessage {
  /** Who says it: 'user', 'assistant', 'system', or another role that the model’s chat template knows. */
  readonly role: string
  /** The contents of the message. */
  readonly content: string
}

/** What a model with a tokenizer takes in the place of token ids: a text, the messages of a chat, or a list of these, one for each row. */
export type Prompt = string | readonly ChatMessage[] | readonly (string | readonly ChatMessage[])[]

export const isChat = (value: unknown): value is readonly ChatMessage[] =>
  Array.isArray(value) && value.length > 0 && value.every(isMessage)

const isMessage = (value: unknown): value is ChatMessage =>
  typeof value === 'object' && value !== null && typeof (value as ChatMessage).role === 'string' && 'content' in value

/** A prompt as a list of texts and chats; undefined for anything else. */
export function promptRows(value: unknown): readonly (string | readonly ChatMessage[])[] | undefined {
  if (typeof value === 'string' || isChat(value)) return [value]
  const isList = Array.isArray(value) && value.length > 0
  return isList && value.every(row => typeof row === 'string' || isChat(row)) ? value : undefined
}

const FIX = "give a text, a chat, [{ role: 'user', content: '…' }], or a list of these"

/** @throws PromptError for a list without prompts, and for one in which something is no prompt beside others that are */
export function assertPrompts(value: unknown): void {
  if (!Array.isArray(value)) return
  if (value.length === 0) throw new PromptError('The list of prompts is empty.', FIX)
  if (promptRows(value)) return
  const isChatLike = value.some(row => typeof row === 'object' && row !== null && 'role' in row)
  if (isChatLike) {
    const at = value.findIndex(row => !isMessage(row))
    throw new PromptError(`Message ${at} of a chat has no role with a content.`, FIX)
  }
  const isPrompt = (row: unknown): boolean => typeof row === 'string' || isChat(row)
  if (value.some(isPrompt))
    throw new PromptError(
      `Prompt ${value.findIndex(row => !isPrompt(row))} of the list is neither a text nor a chat.`,
      FIX,
    )
}
