"""What people ask for and what workers do: from the click to the order at the provider."""
