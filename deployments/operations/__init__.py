"""Operations: from the click to the order at the provider. `requests` is for people, `worker` for workers."""
