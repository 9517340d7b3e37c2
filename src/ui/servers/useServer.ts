/** A model behind a server as a form holds it. It lives as long as the tab, apart for each role. The key is in the tab's memory and is never stored. */
import { useMemo, useState } from 'react'
import type { ServerModel } from '../../worker/protocol'
import type { Command } from '../queries/useCommand'
import { gatewayAddress, gatewayToken } from '../stores/gatewayToken'
import { serverAddressProblem, serverPresets, type ServerPreset, type ServerRole } from './serverPresets'

interface RememberedServer {
  readonly preset: string
  readonly settings: ServerModel
}

const firstPreset = serverPresets[0] as ServerPreset
const first: RememberedServer = {
  preset: firstPreset.name,
  settings: { baseUrl: firstPreset.baseUrl, model: firstPreset.model, apiKey: '' },
}
const remembered = new Map<ServerRole, RememberedServer>()

/** A field that is undefined is left out: its default is used. */
export type ServerPatch = { readonly [Field in keyof ServerModel]?: ServerModel[Field] | undefined }

export interface ServerForm {
  readonly role: ServerRole
  readonly preset: ServerPreset
  readonly settings: ServerModel
  readonly change: (patch: ServerPatch) => void
  readonly choosePreset: (name: string) => void
  readonly addressProblem: string | null
  /** What is sent to: null until there are an address and a name. */
  readonly model: ServerModel | null
}

/** @param onChange is called after every change, with what can be sent to. */
export function useServer(role: ServerRole, onChange?: (model: ServerModel | null) => void): ServerForm {
  const [{ preset, settings }, setServer] = useState(remembered.get(role) ?? first)
  const set = (next: RememberedServer): void => {
    remembered.set(role, next)
    setServer(next)
    onChange?.(readyModel(next.settings))
  }
  const choosePreset = (name: string): void => {
    const to = serverPresets.find((one) => one.name === name)
    if (!to) return
    // A key belongs to one host: it never follows to another.
    const at = { baseUrl: to.name === 'gateway' ? gatewayAddress(location) : to.baseUrl, model: to.model, apiKey: '' }
    set({ preset: name, settings: { ...settings, ...at } })
  }
  return {
    ...{ role, settings, choosePreset },
    preset: serverPresets.find((one) => one.name === preset) ?? firstPreset,
    change: (patch) => {
      set({ preset, settings: patched(settings, patch) })
    },
    addressProblem: serverAddressProblem(settings.baseUrl),
    model: useMemo(() => readyModel(settings), [settings]),
  }
}

/** The model that was last chosen for a role in this tab; null: none that can be sent to. */
export const rememberedModel = (role: ServerRole): ServerModel | null => readyModel((remembered.get(role) ?? first).settings)

const patched = (settings: ServerModel, patch: ServerPatch): ServerModel =>
  // What is left has the fields of both, without those that are undefined.
  Object.fromEntries(Object.entries({ ...settings, ...patch }).filter(([, value]) => value !== undefined)) as unknown as ServerModel

const readyModel = (settings: ServerModel): ServerModel | null =>
  serverAddressProblem(settings.baseUrl) === null && settings.model.trim() !== '' ? withGatewayToken(settings) : null

/** To the gateway its token is the key. It goes to no other address. */
function withGatewayToken(settings: ServerModel): ServerModel {
  const token = gatewayToken()
  const isGateway = settings.baseUrl.replace(/\/+$/, '') === gatewayAddress(location)
  return isGateway && settings.apiKey === '' && token !== null ? { ...settings, apiKey: token } : settings
}

export interface ServerTest {
  readonly data: string | undefined
  readonly error: string | null
  readonly errorCode: string | null
  readonly isPending: boolean
  readonly canTest: boolean
  readonly run: () => void
}

/** The test of what is asked: an answer about other settings is none. @param asked null: there is nothing to test yet. */
export function testOf<Asked>(command: Command<Asked, string>, asked: Asked | null): ServerTest {
  const { data, error, errorCode, isPending } = command.variables === asked ? command : NOT_TESTED
  return {
    ...{ data, error, errorCode, isPending },
    canTest: asked !== null && !isPending,
    run: () => {
      if (asked !== null) command.mutate(asked)
    },
  }
}
const NOT_TESTED = { data: undefined, error: null, errorCode: null, isPending: false } as const
