import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createChatTemplate } from '../../src/models/tokenizer/chatTemplate'

const clock = (): number => performance.now()

const golden = z
  .object({
    templates: z.record(z.string(), z.string()),
    cases: z.array(
      z.object({
        template: z.string(),
        messages: z.array(z.looseObject({ role: z.string() })),
        tools: z.array(z.unknown()).default([]),
        add_generation_prompt: z.boolean().default(false),
        variables: z.record(z.string(), z.unknown()).default({}),
        expected: z.string().optional(),
        error: z.string().optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/chat_template_golden.json', import.meta.url), 'utf8')))

const messages = [{ role: 'user', content: 'hi' }]

describe('createChatTemplate', () => {
  it.each(golden.cases.map((given, i) => [`${given.template} ${i}`, given] as const))('equals apply_chat_template: %s', (_, given) => {
    const template = createChatTemplate(golden.templates[given.template] ?? '', clock)
    const render = (): string =>
      template.render({
        messages: given.messages,
        ...(given.tools.length > 0 && { tools: given.tools }),
        addGenerationPrompt: given.add_generation_prompt,
        variables: given.variables,
      })
    if (given.error === undefined) expect(render()).toBe(given.expected)
    else expect(render).toThrow(`chat template: rendering failed: ${given.error}`)
  })

  it('has no clock of its own', () => {
    const template = createChatTemplate(`{{ strftime_now("%d %b %Y %H:%M") if strftime_now is defined else "no date" }}`, clock)
    expect(template.render({ messages })).toBe('no date')
    expect(template.render({ messages, now: new Date('2026-03-07T09:05:00Z') })).toBe('07 Mar 2026 09:05')
  })

  it('says what is wrong', () => {
    expect(() => createChatTemplate('{% for x in %}', clock)).toThrow('chat template: not valid Jinja')
    expect(() => createChatTemplate('{{ "a" | nope }}', clock).render({ messages })).toThrow(
      'chat template: rendering failed: Unknown StringValue filter: nope',
    )
    expect(createChatTemplate('{% for i in range(1, 7, 2) %}{{ i }},{% endfor %}', clock).render({ messages })).toBe('1,3,5,')
    expect(() => createChatTemplate('{% for i in range(99999999) %}x{% endfor %}', clock).render({ messages })).toThrow('too long')
  })
})
