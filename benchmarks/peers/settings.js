// What every peer is started with, and who a token says that somebody is.
import jwt from "jsonwebtoken";

export const port = Number(process.env.PORT);
export const secret = process.env.SECRET;
export const tellsWhoIsHere = process.env.LIST !== "off"; // the user list, to all, on each connect

export const nameOf = (token) => jwt.verify(token, secret, { algorithms: ["HS256"] }).name;
export const bearer = (header) => (header ?? "").replace(/^Bearer /, "");
export const listening = () => console.log("listening");
