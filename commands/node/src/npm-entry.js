// npm looks for its next module by this path.
module.exports = npmEntry;
