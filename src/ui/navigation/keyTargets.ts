/** Where a key press belongs to the control that has the focus, and where it is a command to the page. */
const TAKES_NO_TEXT = ['button', 'checkbox', 'color', 'file', 'image', 'radio', 'range', 'reset', 'submit']

/** What the rules below read of an element; an `Element` of the page is one. */
export interface KeyTarget {
  readonly tagName: string
  readonly type?: string
  readonly readOnly?: boolean
  readonly isContentEditable?: boolean
  closest(selector: string): unknown
}

/** Whether letters typed here are text. A switch, a slider and a list that is only chosen from take none. */
export function takesText(target: KeyTarget): boolean {
  if (target.isContentEditable === true || target.tagName === 'TEXTAREA' || target.tagName === 'SELECT') return true
  return target.tagName === 'INPUT' && target.readOnly !== true && !TAKES_NO_TEXT.includes(target.type ?? 'text')
}

/** Whether single keys are not commands to the page here: in text, in an open list, and in a dialog. */
export const ownsKeys = (target: KeyTarget): boolean =>
  takesText(target) ||
  Boolean(
    target.closest(
      '[role="dialog"], [role="listbox"], [aria-expanded="true"][role="combobox"], [aria-expanded="true"][aria-haspopup="listbox"]',
    ),
  )

/** Whether Enter means this control itself: a button, a link, or anything that is filled in. */
export const ownsEnter = (target: KeyTarget): boolean =>
  Boolean(target.closest('button, a, summary, input, select, textarea, [role="button"], [role="combobox"]'))

/** The target of an event as these rules read it; null where it is no element. */
export const keyTarget = ({ target }: Pick<Event, 'target'>): (KeyTarget & HTMLElement) | null =>
  target instanceof HTMLElement ? target : null
