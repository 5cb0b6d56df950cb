/** What can be done to an integration. Each command gives the changes of its files, or says why it does nothing. */

export {
  copied,
  duplicateBlocks,
  insertBlock,
  moveBlocks,
  outermost,
  pasteBlocks,
  refusal,
  removeBlocks,
} from "./chains";
export type { Done, Outcome, Refused, Spot } from "./draft";
export { type Configured, fieldsOf, setKey, setSetting, unsetKey, unsetSetting } from "./fields";
export {
  addConnector,
  addErrorLane,
  addFlow,
  addProcessor,
  addVariable,
  duplicateFlow,
  freeName,
  moveFlow,
  removeErrorLane,
  removeItem,
  removeSource,
  setService,
  setSource,
} from "./flows";
export { addLane, moveLane, removeLane } from "./lanes";
export { rename, renameBlock } from "./rename";
export { starter } from "./starter";
export { wrapBlocks } from "./wrap";
