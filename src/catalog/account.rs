//! Who and where one is: data sources about the account itself.
