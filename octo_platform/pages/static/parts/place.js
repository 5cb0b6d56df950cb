// @ts-check
/** Where this page is: the names in its path, and the paths of others. */

const parts = location.pathname.split("/").map(decodeURIComponent);

/** The workspace that this page is about; "" if it is about none. */
export const workspace = parts[1] === "w" ? (parts[2] ?? "") : "";
/** What of the workspace: e.g. the name of an integration. */
export const thing = parts[4] ?? "";

/** @param {string} text */
const safe = encodeURIComponent;

/** @param {string} space */
export const toWorkspace = (space) => `/w/${safe(space)}`;
/** @param {string} name */
export const toIntegration = (name) => `/w/${safe(workspace)}/integrations/${safe(name)}`;
/** @param {string} id */
export const toDeployment = (id) => `/w/${safe(workspace)}/deployments/${safe(id)}`;
