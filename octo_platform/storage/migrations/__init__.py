"""The steps from each release's tables to the next one's. `storage.migrating` carries them out."""
