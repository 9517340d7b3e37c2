/** A small package in the layout of `bfcl_eval`, with a tea shop instead of the benchmark's classes, and three items. */
import { blobTree } from '../../src/data/files/blobTree'

const teaShop = `
from bfcl_eval.eval_checker.multi_turn_eval.func_source_code.long_context import MANY_TEAS
from copy import deepcopy

class TeaShop:
    def __init__(self):
        self.stock = {}
        self.orders = []
        self._visits = 0

    def _load_scenario(self, scenario, long_context=False):
        self.stock = deepcopy(scenario.get("stock", {}))
        if long_context:
            self.stock.update(MANY_TEAS)

    def stock_of(self, tea: str):
        self._visits += 1
        return {"grams": self.stock[tea]} if tea in self.stock else {"error": f"no {tea} here"}

    def order(self, tea: str, grams: float):
        if self.stock.get(tea, 0) < grams:
            return {"error": "not enough"}
        self.stock[tea] -= grams
        self.orders.append((tea, grams))
        return {"left": self.stock[tea]}

    def brew_for_ever(self):
        while True:
            pass
`
const scales = `
import mpmath

class Scales:
    def weigh(self, grams: list):
        return sum(grams)

    def logarithm(self, value: float, digits: int):
        mpmath.mp.dps = digits
        return {"result": mpmath.log(value) / mpmath.log(10)}
`
const classes = `
MULTI_TURN_FUNC_DOC_FILE_MAPPING = {"TeaShop": "tea_shop.json", "Scales": "scales.json"}
PREFIX = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code"
CLASS_FILE_PATH_MAPPING = {"TeaShop": f"{PREFIX}.tea_shop", "Scales": f"{PREFIX}.scales"}
STATELESS_CLASSES = ["Scales"]
`

const tool = (name: string, properties: Record<string, object>, required = Object.keys(properties)): object => ({
  name,
  description: `Of the tea shop: ${name}.`,
  parameters: { type: 'dict', properties, required },
})
const user = (content: string): object[] => [{ role: 'user', content }]
const stock = { TeaShop: { stock: { assam: 100, sencha: 50.0 } } }

const entries = {
  base: {
    id: 'multi_turn_base_0',
    question: [user('How much assam is there?'), user('Order 30 grams of it, then weigh 1, 2 and 3 grams.')],
    initial_config: stock,
    involved_classes: ['TeaShop', 'Scales'],
  },
  miss_func: {
    id: 'multi_turn_miss_func_0',
    question: [user('Order 10 grams of sencha.'), [], user('And how much is left?')],
    initial_config: stock,
    involved_classes: ['TeaShop'],
    missed_function: { '1': ['order'] },
  },
  long_context: {
    id: 'multi_turn_long_context_0',
    question: [user('How much tea number 7 is there?')],
    initial_config: stock,
    involved_classes: ['TeaShop'],
  },
}
const truths = {
  base: [["stock_of(tea='assam')"], ["order(tea='assam', grams=30)", 'weigh([1, 2, 3])']],
  miss_func: [[], ["order(tea='sencha', grams=10)"], ["stock_of('sencha')"]],
  long_context: [["stock_of(tea='tea 7')"]],
}

const lines = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const MODULES = 'bfcl_eval/eval_checker/multi_turn_eval/func_source_code'

/** @param changed files that replace those of the package, or stand beside them; null removes one. */
export function miniBfcl(changed: Readonly<Record<string, string | null>> = {}) {
  const files: Record<string, string | null> = {
    'bfcl_eval/constants/executable_backend_config.py': classes,
    [`${MODULES}/tea_shop.py`]: teaShop,
    [`${MODULES}/scales.py`]: scales,
    [`${MODULES}/long_context.py`]: 'MANY_TEAS = {f"tea {number}": number for number in range(1000)}\n',
    'bfcl_eval/data/multi_turn_func_doc/tea_shop.json': lines(
      tool('stock_of', { tea: { type: 'string', description: 'name' } }),
      tool('order', { tea: { type: 'string' }, grams: { type: 'float' } }),
      tool('brew_for_ever', {}),
    ),
    'bfcl_eval/data/multi_turn_func_doc/scales.json': lines(
      tool('weigh', { grams: { type: 'array', items: { type: 'float' } } }),
      tool('logarithm', { value: { type: 'float' }, digits: { type: 'integer' } }),
    ),
    ...Object.fromEntries(
      (['base', 'miss_func', 'long_context'] as const).flatMap((category) => [
        [`bfcl_eval/data/BFCL_v4_multi_turn_${category}.json`, lines(entries[category])],
        [
          `bfcl_eval/data/possible_answer/BFCL_v4_multi_turn_${category}.json`,
          lines({ id: entries[category].id, ground_truth: truths[category] }),
        ],
      ]),
    ),
    ...changed,
  }
  const blobs = Object.entries(files).flatMap(([path, text]) => (text === null ? [] : [[path, new Blob([text])] as const]))
  return blobTree(new Map(blobs), 'mini.whl')
}
