/** A small file in StepTool's Qwen2 layout, written for Hone: something to import before one has data. */
import { reprPython } from '../base/pythonRepr'
import { PythonFloat } from '../base/pythonValue'
import { csvLine } from './csvRows'
import { dialects } from './formats/steptoolDialect'

interface SampleStep {
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  /** What the tool replies; left out on the last step. */
  readonly reply?: unknown
  /** Why a call failed. */
  readonly error?: string
  /** Steps: (success + contribution/5)/2 over three judges · last step: 1, 0.5 or 0. */
  readonly reward: number
}
interface Sample {
  readonly tools: readonly string[]
  readonly query: string
  readonly steps: readonly SampleStep[]
}

const finish = (final_answer: string, reward: number): SampleStep => ({
  tool: 'Finish',
  input: { return_type: 'give_answer', final_answer },
  reward,
})
const giveUp = (reward: number): SampleStep => ({ tool: 'Finish', input: { return_type: 'give_up_and_restart' }, reward })

const samples: readonly Sample[] = [
  {
    tools: ['tide_table_for_harbour_desk', 'berth_price_for_harbour_desk', 'Finish'],
    query: "When is high water in Tolvik on Friday, and what does a night at berth 'C4' cost?",
    steps: [
      {
        tool: 'tide_table_for_harbour_desk',
        input: { harbour: 'Tolvik', day: 'Friday' },
        reply: { high: ['05:12', '17:38'], low: ['11:20', '23:51'] },
        reward: 1,
      },
      {
        tool: 'berth_price_for_harbour_desk',
        input: { harbour: 'Tolvik', berth: 'C4' },
        reply: { berth: 'C4', per_night: 31.5, currency: 'NOK' },
        reward: 1,
      },
      finish("High water in Tolvik on Friday is at 05:12 and 17:38. Berth 'C4' costs 31.50 NOK a night.", 1),
    ],
  },
  {
    tools: ['find_loaf_for_corner_bakery', 'order_loaf_for_corner_bakery', 'Finish'],
    query: 'Order two rye loaves from the corner bakery for tomorrow morning.',
    steps: [
      {
        tool: 'find_loaf_for_corner_bakery',
        input: { kind: 'rye' },
        reply: [{ loaf_id: 'rye-700', price: 4.2, left: 9 }],
        reward: 0.9666666666666668,
      },
      {
        tool: 'order_loaf_for_corner_bakery',
        input: { loaf: 'rye-700', count: 2 },
        error: 'Unknown argument "loaf": this tool takes loaf_id, count and day.',
        reward: 0.1,
      },
      {
        tool: 'order_loaf_for_corner_bakery',
        input: { loaf_id: 'rye-700', count: 2, day: 'tomorrow' },
        reply: { order: 'B-118', total: 8.4 },
        reward: 1,
      },
      finish('Two rye loaves are ordered for tomorrow (order B-118, 8.40 in all).', 1),
    ],
  },
  {
    tools: ['search_seed_for_garden_shelf', 'sowing_calendar_for_garden_shelf', 'Finish'],
    query: 'Which month should I sow the bean called Blå Måne, and how deep?',
    steps: [
      { tool: 'search_seed_for_garden_shelf', input: { name: 'Blå Måne' }, reply: { seed_id: 40, kind: 'bean', depth_cm: 4 }, reward: 1 },
      { tool: 'sowing_calendar_for_garden_shelf', input: { seed_id: 40 }, reply: { months: ['May', 'June'] }, reward: 0.9333333333333333 },
      finish('Sow Blå Måne in May or June, 4 cm deep.', 1),
    ],
  },
  {
    tools: ['route_for_night_tram', 'delay_for_night_tram', 'Finish'],
    query: 'Is the N3 tram late tonight, and how long is the ride from Mill Gate to the observatory?',
    steps: [
      { tool: 'delay_for_night_tram', input: { line: 'N3' }, error: 'The delay board is closed for repairs.', reward: 0 },
      {
        tool: 'route_for_night_tram',
        input: { from: 'Mill Gate', to: 'Observatory' },
        reply: { line: 'N3', minutes: 22, stops: 8 },
        reward: 0.9,
      },
      finish('The ride takes 22 minutes with the N3. I could not find out whether it is late: the delay board is closed.', 0.5),
    ],
  },
  {
    tools: ['chess_opening_for_club_archive', 'player_rating_for_club_archive', 'Finish'],
    query: 'Who of Imre Val and Sanna Okoro has the higher club rating?',
    steps: [
      { tool: 'chess_opening_for_club_archive', input: { player: 'Imre Val' }, reply: { favourite: 'Dutch Defence' }, reward: 0.5 },
      { tool: 'player_rating_for_club_archive', input: { player: 'Imre Val' }, reply: { rating: 1874 }, reward: 0.9 },
      finish('Imre Val has the higher rating, 1874.', 0),
    ],
  },
  {
    tools: ['chess_opening_for_club_archive', 'player_rating_for_club_archive', 'Finish'],
    query: 'Who of Imre Val and Sanna Okoro has the higher club rating?',
    steps: [
      { tool: 'player_rating_for_club_archive', input: { player: 'Imre Val' }, reply: { rating: 1874 }, reward: 1 },
      { tool: 'player_rating_for_club_archive', input: { player: 'Sanna Okoro' }, reply: { rating: 1902 }, reward: 1 },
      finish('Sanna Okoro, with 1902 against 1874.', 1),
    ],
  },
  {
    tools: ['kiln_status_for_pottery_room', 'book_kiln_for_pottery_room', 'Finish'],
    query: 'Book the small kiln for a 1,240 °C firing on Sunday afternoon.',
    steps: [
      {
        tool: 'kiln_status_for_pottery_room',
        input: { kiln: 'small' },
        reply: { max_celsius: 1180, free: ['Sunday 13:00', 'Sunday 17:00'] },
        reward: 1,
      },
      giveUp(0),
    ],
  },
  {
    tools: ['word_of_day_for_phrase_box', 'translate_for_phrase_box', 'Finish'],
    query: "What is today's word, and how do you say it in Esperanto?",
    steps: [
      { tool: 'word_of_day_for_phrase_box', input: {}, reply: 'lantern', reward: 1 },
      { tool: 'translate_for_phrase_box', input: { word: 'lantern', to: 'eo' }, reply: 'lanterno', reward: 0.9666666666666668 },
      finish('Today\'s word is "lantern"; in Esperanto it is "lanterno".', 1),
    ],
  },
]

/** The sample as a TAB-separated file: 8 trajectories of 2 to 4 steps, among them failed calls, a wrong answer and a give-up. */
export function sampleCsv(): string {
  const dialect = dialects.find(({ name }) => name === 'qwen2')
  if (!dialect) throw new Error('The qwen2 layout is missing.')
  const rows = samples.map(({ tools, query, steps }) => {
    const system = `Specifically, you have access to the following APIs: ${reprPython([...tools])}`
    const replies = steps
      .slice(0, -1)
      .map(({ reply, error }) => JSON.stringify(error === undefined ? { error: '', response: reply } : { error, response: '' }))
    const prompts = [dialect.writeFirst(system, query), ...replies.map(dialect.writeObservation)]
    const responses = steps.map(({ tool, input }) =>
      dialect.writeCompletion(`Thought: \nAction: ${tool}\nAction Input: ${JSON.stringify(input, null, 2)}`),
    )
    return csvLine([reprPython(prompts), reprPython(responses), reprPython(steps.map(({ reward }) => new PythonFloat(reward)))], '\t')
  })
  return csvLine(['prompt', 'response', 'reward'], '\t') + rows.join('')
}
