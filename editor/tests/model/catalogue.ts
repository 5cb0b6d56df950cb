/** The catalogue of the built-in components. */

import type { Catalogue } from "../../src/model/catalogue";
import { read } from "./files";

export const catalogue = JSON.parse(read("octo/config/catalogue.json")) as Catalogue;
